// Shows where a fact is held, by causal tracing: a heat map for each site. Sites are computed one
// after the other.
import {Actions} from './actions';
import {ApiError, Ended, Result} from './api';
import {CellPanel, cellText} from './cell';
import {chips, group, option, select, slider} from './controls';
import {el, scrollHint, setText} from './dom';
import {corruptionWords, factWords, missing} from './fact';
import {View} from './figure_view';
import {HeatMap} from './heat_map';
import {Progress} from './progress';
import {Runner, RunResult} from './runner';
import {change, changePane, modelOf, models, PaneState, state} from './state';
import {Tab} from './tab';
import {number, plural, visible} from './text';
import {isDark, onTheme} from './theme';
import {measure, Trace, TraceFact} from './trace';

const kDelay = 100;  // ms after the last change

const allSites = () => [...new Set(models().flatMap(model => model.traced_sites))];
// Why a fact has no logit difference.
const whyNoDifference = (fact: TraceFact): string =>
    'A logit difference compares the answer with the answer to the corrupted prompt. ' +
    (fact.corrupt_subject == null ? 'Noise makes no such prompt. Choose another subject.' :
                                    'Here both are the same. Choose another subject.');
const windowText = (value: string) => value === '0' ? 'default' : plural(Number(value), 'layer');

const toolbar = () => group('toolbar', [
  chips(
      'Sites', () => allSites().map(site => ({value: site, text: site})), () => state.sites,
      sites => change({sites}), 'At least one site is shown.'),
  slider(
      'Window', () => ({min: 0, max: Math.max(...models().map(model => model.layers))}),
      () => state.siteWindow || '0', value => change({
                                       siteWindow: value === '0' ? '' : value,
                                       panes: state.panes.map(pane => ({...pane, cell: ''})),
                                     }),
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
  private readonly made = new Map<string, RunResult>();  // by site
  private turn = 0;
  // Maps with all their cells, which need not be drawn again; `look` is their measure and theme.
  private readonly whole =
      new Map<string, {made: RunResult; look: string; host: HTMLElement; map: HeatMap}>();
  private partial: {site: string; fact: TraceFact}|null = null;  // of the site that is computed

  constructor(private readonly index: number) {
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
    if (key === this.key) {
      if (state.show !== this.maps.dataset.show) {
        setText(this.said, '');  // it holds values of the earlier measure
        this.draw();
      }
      this.showCell();
      return;
    }
    this.key = key;
    this.cancel();
    this.actions.show([]);
    this.pane = {...pane};
    this.sites = sites;
    if (base !== this.maps.dataset.words) {  // another fact: what is shown is old
      this.maps.dataset.words = base;
      this.made.clear();
      this.partial = null;
      this.panel.hide();
      this.maps.classList.add('stale');
      setText(this.answerLine, '');
      setText(this.said, '');
    }
    if (why || !sites.length) {
      this.clear();
      this.progress.idle(why || 'This model has none of the chosen sites.');
      return;
    }
    this.showCell();
    this.progress.waiting(0);
    this.timer = setTimeout(() => void this.compute(), kDelay);
  }

  // Shows the cell that the address names, once its map is there.
  private showCell(): void {
    const {cell} = state.panes[this.index]!, [site = '', layer, row] = cell.split(':');
    const trace = this.made.get(site)?.result.json as Trace | undefined;
    const isThere = trace && this.sites.includes(site) &&
        trace.facts[0]!.probs[Number(row)]?.[Number(layer)] != null;
    if (!isThere) this.panel.hide();
    else if (this.panel.shown !== cell)
      this.panel.show({pane: this.pane, trace, row: Number(row), layer: Number(layer)});
  }

  hide(): void {
    this.cancel();
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
    this.cancel();
    this.progress.stopped();
    this.draw();
  }

  private cancel(): void {
    clearTimeout(this.timer);
    ++this.turn;
    this.runner.stop();
  }

  private async compute(): Promise<void> {
    const turn = ++this.turn, words = this.baseWords(this.pane);
    const todo = () => this.sites.filter(site => !this.made.has(site));
    this.progress.waiting(0);
    try {
      for (let site = todo()[0]; site; site = todo()[0]) {
        const done = `${this.sites.length - todo().length} of ${this.sites.length} sites. `;
        const isNewest = () => turn === this.turn;
        const made = await this.runner.run(['trace', ...words, `--site=${site}`], {
          ...this.progress.events(isNewest),
          progress: (text, share) => {
            if (!isNewest()) return;
            this.progress.computing(done + text, share);
            this.mapProgress(site!, text, share);
          },
          partial: json => {
            if (!isNewest()) return;
            this.partial = {site: site!, fact: (json as Trace).facts[0]!};
            this.draw();
          },
        });
        if (turn !== this.turn) return;
        this.partial = null;
        this.made.set(site, made);
        this.draw();
        this.showCell();
      }
      this.draw();
      this.actions.show(this.results());
      this.progress.drawn(this.sites.flatMap(site => this.made.get(site)!.warnings));
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Ended) {
        this.progress.stopped();
        this.draw();
        return;
      }
      if (!(error instanceof ApiError && error.isLost)) this.clear();
      this.progress.failed(error);
    }
  }

  private results(): Result[] {
    return this.sites.flatMap(site => this.made.get(site)?.result ?? []);
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
    if (!this.made.size && !this.maps.childElementCount) this.maps.classList.remove('stale');
    if (!this.made.size && !this.partial && this.maps.classList.contains('stale')) return;
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
          'Point at a cell, or use the arrow keys, to read its value. Click it, or press Enter, ' +
          'to see what its patched run predicts.';
  }

  // Says the cell's value at the visited site, and then at the others.
  private visit(first: string, row: number, layer: number): void {
    this.drawn.forEach(map => map.point(row, layer));
    const values: string[] = [];
    let where = '';
    for (const site of [first, ...this.sites.filter(site => site !== first)]) {
      const trace = this.made.get(site)?.result.json as Trace | undefined;
      const measured = trace && measure(trace.facts[0]!, state.show);
      if (!measured) continue;
      const value = measured.cells[row]?.[layer];
      where ||= `${visible(trace.facts[0]!.tokens[row]!)}, layer ${layer}, ${measured.valueName}: `;
      const isWithout = measured.cells[row]?.every(cell => cell == null);
      values.push(
          value != null ? `${site} ${number(value)}` :
              isWithout ? `${site} has no value, because the corrupted prompt lacks this token` :
                          `${site} has no value, because this layer lacks the site`);
    }
    setText(this.said, where + values.join('; '));
  }

  private mapOf(site: string): HTMLElement {
    const host = el('div', {className: 'map'}), made = this.made.get(site);
    host.dataset.site = site;
    const old = this.maps.querySelector<HTMLElement>(`[data-site="${CSS.escape(site)}"]`);
    const isPart = !made && this.partial?.site === site;
    const fact = isPart ? this.partial!.fact : (made?.result.json as Trace | undefined)?.facts[0];
    const isStopped = this.root.dataset.state === 'idle';
    if (!fact && !isStopped &&
        old?.querySelector('svg')) {  // an earlier fact's map, until this one is there
      old.classList.add('stale');
      old.dataset.state = 'waiting';
      return old;
    }
    if (!fact) {
      host.dataset.state = isStopped ? 'idle' : 'waiting';
      host.append(
          el('p', {className: 'map-name', textContent: site}),
          isStopped ? 'not computed' : el('progress', {max: 1, ariaLabel: `Progress of ${site}`}));
      return host;
    }
    const whole = this.whole.get(site), look = `${state.show} ${isDark()}`;
    if (made && whole?.made === made && whole.look === look) {
      this.drawn.push(whole.map);
      return whole.host;
    }
    const trace = made?.result.json as Trace | undefined;
    const measured = measure(fact, state.show);
    host.dataset.state = !isPart ? 'drawn' : isStopped ? 'idle' : 'computing';
    if (!measured) {
      host.append(el('p', {className: 'map-name', textContent: site}), el('p', {
                    className: 'count',
                    textContent: state.show === 'ie' ?
                        'There is no indirect effect, because p(answer) is the same in the clean ' +
                            'and the corrupted run.' :
                        whyNoDifference(fact)
                  }));
      return host;
    }
    const window = trace?.window ?? 1, ramps = modelOf(this.pane).ramps[site]!;
    const isOld = () => !made || this.made.get(site) !== made;
    const map = new HeatMap({
      ...measured,
      title: window > 1 ? `${site}, windows of ${window} layers` : site,
      rows: fact.tokens.map(visible),
      marked: fact.subject_span,
      ramp: ramps[isDark() ? 'on_black' : 'on_white'],
      visit: (row, layer) => {
        if (!isOld()) this.visit(site, row, layer);
      },
      choose: (row, layer) => {
        if (isOld() || !trace || measured.cells[row]?.[layer] == null) return;
        this.panel.click({pane: this.pane, trace, row, layer});
        changePane(this.index, {cell: cellText(site, layer, row)});
      },
    });
    this.drawn.push(map);
    const [ofSite, ...at] = this.panel.shown.split(':');
    if (trace && ofSite === site) map.mark(Number(at[1]), Number(at[0]));
    host.append(map.root, scrollHint(host, map.root));
    if (made) this.whole.set(site, {made, look, host, map});
    return host;
  }
}

export const sitesTab: Tab = {
  id: 'sites',
  title: 'Sites',
  about:
      'Which states bring the answer back? Each cell is one patched run. It restores the clean ' +
      'run\'s states of one token, in a window of layers, and shows the chosen measure.',
  toolbar,
  view: index => new SitesView(index),
};
