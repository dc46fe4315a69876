// A chosen cell of a heat map: the ten most probable tokens of the clean, corrupted and patched
// run.
import {Actions} from './actions';
import {Ended, Prediction} from './api';
import {bars} from './bars';
import {el} from './dom';
import {corruptionWords, factWords} from './fact';
import {Progress} from './progress';
import {Runner} from './runner';
import {PaneState} from './state';
import {number, visible} from './text';
import {Trace} from './trace';

interface Choice {
  pane: PaneState;
  trace: Trace;
  row: number;
  layer: number;
}

export class CellPanel {
  readonly root = el('section', {className: 'cell-panel', hidden: true, ariaLabel: 'Chosen cell'});
  private readonly heading = el('h3');
  private readonly lists = el('div', {className: 'lists'});
  private readonly actions = new Actions('predict');
  private readonly progress: Progress;
  private readonly runner: Runner;
  private choice: Choice|null = null;

  constructor(index: number) {
    this.runner = new Runner(`cell-${index}`);
    this.root.dataset.view = 'cell';
    this.progress = new Progress(this.root, () => this.runner.stop(), () => void this.compute());
    this.root.append(
        el('div', {className: 'head'}, this.heading, this.progress.root), this.lists,
        this.actions.root);
  }

  hide(): void {
    this.runner.stop();
    this.root.hidden = true;
    this.choice = null;
  }

  show(choice: Choice): void {
    this.choice = choice;
    this.root.hidden = false;
    const {trace, row, layer} = choice, token = visible(trace.facts[0]!.tokens[row] ?? '');
    const layers = trace.window > 1 ? `${trace.window} layers around ${layer}` : `layer ${layer}`;
    this.heading.textContent = `${trace.site} restored at ${token} (token ${row}) in ${layers}`;
    this.root.scrollIntoView({block: 'nearest'});
    void this.compute();
  }

  private words({pane, trace, row, layer}: Choice): string[] {
    const fact = factWords(pane).filter(word => !word.startsWith('--answer='));
    return [
      'predict', ...fact, ...corruptionWords(pane), `--restore=${trace.site}:${layer}:${row}`,
      `--window=${trace.window}`, '--top=10'
    ];
  }

  private async compute(): Promise<void> {
    const choice = this.choice;
    if (!choice) return;
    this.lists.classList.add('stale');
    this.progress.computing();
    try {
      const {result, warnings} = await this.runner.run(this.words(choice), {
        waiting: ahead => this.progress.waiting(ahead),
        progress: (text, share) => this.progress.computing(text, share),
      });
      if (choice !== this.choice) return;
      this.draw(choice, result.json as Prediction);
      this.actions.show([result]);
      this.progress.drawn(warnings);
      this.root.scrollIntoView({block: 'nearest'});
    } catch (error) {
      if (choice !== this.choice) return;
      if (error instanceof Ended) this.progress.stopped();
      else this.progress.failed(error);
    }
  }

  private draw({trace, row, layer}: Choice, json: Prediction): void {
    const fact = trace.facts[0]!, answer = visible(fact.answer);
    const list = (name: string, p: number|null|undefined, top: Prediction['top']) =>
        el('div', {className: 'list'}, el('h4', {textContent: name}),
           el('p', {className: 'count', textContent: `p(${answer}) = ${number(p)}`}),
           bars(top, `Most probable tokens of the ${name} run`, fact.answer_id));
    this.lists.replaceChildren(
        list('clean', fact.p_clean, json.top),
        list('corrupted', fact.p_corrupt, json.corrupted?.top ?? []),
        list('patched', fact.probs[row]?.[layer], json.patched?.top ?? []));
    this.lists.classList.remove('stale');
  }
}
