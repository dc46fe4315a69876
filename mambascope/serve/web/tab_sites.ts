// Sites: one heat map per site, computed one after the other (causal tracing).
import {Actions} from './actions';
import {ApiError, Ended, Result} from './api';
import {CellPanel} from './cell';
import {ramp} from './colours';
import {chips, group, option, select, slider} from './controls';
import {el, setText} from './dom';
import {corruptionWords, factWords, missing} from './fact';
import {View} from './figure_view';
import {HeatMap} from './heat_map';
import {Progress} from './progress';
import {Answer, Runner} from './runner';
import {change, modelOf, models, PaneState, state} from './state';
import {Tab} from './tab';
import {number, plural, visible} from './text';
import {isDark, onTheme} from './theme';
import {measure, Trace} from './trace';

const kDelay = 100;  // ms after the last change

const allSites = () => [...new Set(models().flatMap(model => model.traced_sites))];
const windowText = (value: string) => value === '0' ? 'default' : plural(Number(value), 'layer');

const toolbar = () => group('toolbar', [
  chips(
      'Sites', () => allSites().map(site => ({value: site, text: site})), () => state.sites,
      sites => change({sites})),
  slider(
      'Window', () => ({min: 0, max: Math.max(...models().map(model => model.layers))}),
      () => state.siteWindow || '0', value => change({siteWindow: value === '0' ? '' : value}),
      windowText),
  select(
      'Show',
      () =>
          [option('p', 'p(answer)'), option('ie', 'indirect effect'),
           option('logit_diff', 'logit difference')],
      () => state.show, show => change({show})),
]);

class SitesView implements View {
  readonly root = el('div', {className: 'view'});
  private readonly said = el('p', {className: 'cell', role: 'status'});
  private readonly maps = el('div', {className: 'maps'});
  private readonly answerLine = el('p', {className: 'count'});
  private readonly actions = new Actions('trace');
  private readonly panel: CellPanel;
  private readonly progress: Progress;
  private readonly runner: Runner;
  private pane!: PaneState;
  private key = '';
  private timer = 0;
  private sites: string[] = [];
  private drawn: HeatMap[] = [];
  private readonly answers = new Map<string, Answer>();  // by site

  constructor(index: number) {
    this.runner = new Runner(`trace-${index}`);
    this.panel = new CellPanel(index);
    this.root.dataset.view = 'sites';
    this.progress = new Progress(this.root, () => this.stop(), () => void this.compute());
    this.root.append(
        this.progress.root, this.answerLine, this.said, this.maps, this.panel.root,
        this.actions.root);
    this.maps.addEventListener('pointerleave', () => this.drawn.forEach(map => map.leave()));
    onTheme(() => {
      if (this.root.isConnected) this.draw();
    });
  }

  update(pane: PaneState): void {
    const why = missing(pane);
    const sites = modelOf(pane).traced_sites.filter(site => state.sites.includes(site));
    const words = why ? [] : this.baseWords(pane);
    const key = JSON.stringify([why, words, sites]), base = JSON.stringify(words);
    const shown = `${state.show}`;
    if (key === this.key) {
      if (shown !== this.maps.dataset.show) this.draw();
      return;
    }
    this.key = key;
    clearTimeout(this.timer);
    this.runner.stop();
    this.pane = {...pane};
    this.sites = sites;
    if (base !== this.maps.dataset.words) {  // another fact: what is shown is old
      this.maps.dataset.words = base;
      this.answers.clear();
      this.panel.hide();
      this.maps.classList.add('stale');
    }
    if (why || !sites.length) {
      this.clear();
      this.progress.idle(why || 'This model has none of the chosen sites.');
      return;
    }
    this.progress.waiting(0);
    this.timer = setTimeout(() => void this.compute(), kDelay);
  }

  hide(): void {
    clearTimeout(this.timer);
    this.runner.stop();
    this.panel.hide();
    if (this.root.dataset.state !== 'drawn') this.key = '';
  }

  private baseWords(pane: PaneState): string[] {
    const words = [...factWords(pane), ...corruptionWords(pane)];
    if (state.siteWindow)
      words.push(`--window=${Math.min(Number(state.siteWindow), modelOf(pane).layers)}`);
    return words;
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.runner.stop();
    this.progress.stopped();
    this.draw();
  }

  private async compute(): Promise<void> {
    const key = this.key, words = this.baseWords(this.pane);
    const todo = () => this.sites.filter(site => !this.answers.has(site));
    this.progress.waiting(0);
    try {
      for (let site = todo()[0]; site; site = todo()[0]) {
        const done = `${this.sites.length - todo().length} of ${this.sites.length} sites. `;
        const say = (text: string, share: number|null) => {
          if (key !== this.key) return;
          this.progress.computing(done + text, share);
          this.mapProgress(site!, text, share);
        };
        const answer = await this.runner.run(['trace', ...words, `--site=${site}`], {
          waiting: ahead => {
            if (key === this.key) this.progress.waiting(ahead);
          },
          progress: say,
        });
        if (key !== this.key) return;
        this.answers.set(site, answer);
        this.draw();
      }
      this.draw();
      const known = this.results();
      this.actions.show(known);
      this.progress.drawn(this.sites.flatMap(site => this.answers.get(site)!.warnings));
    } catch (error) {
      if (key !== this.key) return;
      if (error instanceof Ended) {
        if (this.root.dataset.state !== 'idle') this.progress.stopped();
        return;
      }
      if (!(error instanceof ApiError && error.isLost)) this.clear();
      this.progress.failed(error);
    }
  }

  private results(): Result[] {
    return this.sites.flatMap(site => this.answers.get(site)?.result ?? []);
  }

  private clear(): void {
    this.maps.replaceChildren();
    this.answerLine.textContent = '';
    setText(this.said, '');
    this.actions.show([]);
    this.panel.hide();
  }

  // A map that is not computed yet shows its progress.
  private mapProgress(site: string, text: string, share: number|null): void {
    const bar = this.maps.querySelector<HTMLElement>(`[data-site="${CSS.escape(site)}"] progress`);
    if (!(bar instanceof HTMLProgressElement)) return;
    if (share !== null) bar.value = share;
    bar.ariaLabel = text;
  }

  private draw(): void {
    if (!this.answers.size && !this.maps.childElementCount) this.maps.classList.remove('stale');
    if (!this.answers.size && this.maps.classList.contains('stale')) return;
    const focused = document.activeElement?.closest<HTMLElement>('[data-site]')?.dataset.site;
    this.drawn = [];
    const made = this.sites.map(site => this.mapOf(site));
    this.maps.replaceChildren(...made);
    this.maps.classList.remove('stale');
    this.maps.dataset.show = state.show;
    if (focused) made.find(map => map.dataset.site === focused)?.querySelector('svg')?.focus();
    const fact = (this.results()[0]?.json as Trace | undefined)?.facts[0];
    if (!fact) return;
    this.answerLine.textContent = `The answer is ${visible(fact.answer)}. p(answer) is ` +
        `${number(fact.p_clean)} in the clean run and ${
                                      number(fact.p_corrupt)} in the corrupted run.`;
    if (!this.said.textContent)
      this.said.textContent =
          'Point at a cell, or use the arrow keys. Click, or press Enter, to see its tokens.';
  }

  // Says the cell's value at the visited site, and then at the others.
  private visit(first: string, row: number, layer: number): void {
    this.drawn.forEach(map => map.point(row, layer));
    const values: string[] = [];
    let where = '';
    for (const site of [first, ...this.sites.filter(site => site !== first)]) {
      const trace = this.answers.get(site)?.result.json as Trace | undefined;
      const measured = trace && measure(trace.facts[0]!, state.show);
      if (!measured) continue;
      const value = measured.cells[row]?.[layer];
      where ||= `${visible(trace.facts[0]!.tokens[row]!)}, layer ${layer}, ${measured.valueName}: `;
      values.push(
          value == null ? `${site} has no value, because this layer lacks the site` :
                          `${site} ${number(value)}`);
    }
    setText(this.said, where + values.join('; '));
  }

  private mapOf(site: string): HTMLElement {
    const host = el('div', {className: 'map'}), answer = this.answers.get(site);
    host.dataset.site = site;
    const old = this.maps.querySelector<HTMLElement>(`[data-site="${CSS.escape(site)}"]`);
    if (!answer && old?.querySelector('svg')) {  // the map of an earlier fact, until this one is there
      old.classList.add('stale');
      old.dataset.state = 'waiting';
      return old;
    }
    if (!answer) {
      const isStopped = this.root.dataset.state === 'idle';
      host.dataset.state = isStopped ? 'idle' : 'waiting';
      host.append(
          el('p', {className: 'map-name', textContent: site}),
          isStopped ? 'not computed' : el('progress', {max: 1, ariaLabel: `Progress of ${site}`}));
      return host;
    }
    const trace = answer.result.json as Trace, fact = trace.facts[0]!;
    const measured = measure(fact, state.show);
    host.dataset.state = 'drawn';
    if (!measured) {
      host.append(el('p', {className: 'map-name', textContent: site}), el('p', {
                    className: 'count',
                    textContent: state.show === 'ie' ?
                        'There is no indirect effect: p(answer) is the same in both runs.' :
                        'A logit difference needs an other answer. With noise there is none.'
                  }));
      return host;
    }
    const of = trace.window > 1 ? `${site}, windows of ${trace.window} layers` : site;
    const isOld = () => this.answers.get(site) !== answer;
    const map = new HeatMap({
      ...measured,
      title: of,
      rows: fact.tokens.map(visible),
      marked: fact.subject_span,
      ramp: ramp(site, isDark()),
      visit: (row, layer) => {
        if (!isOld()) this.visit(site, row, layer);
      },
      choose: (row, layer) => {
        if (!isOld() && measured.cells[row]?.[layer] != null)
          this.panel.show({pane: this.pane, trace, row, layer});
      },
    });
    this.drawn.push(map);
    host.append(map.root);
    return host;
  }
}

export const sitesTab: Tab = {
  id: 'sites',
  title: 'Sites',
  about: 'Which states bring the answer back? A cell copies one state of ' +
      'the clean run into the corrupted run.',
  toolbar,
  view: index => new SitesView(index),
};
