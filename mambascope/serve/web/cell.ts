// Shows the chosen cell's three distributions: those of the clean, the corrupted and the patched
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

export const cellText = (site: string, layer: number, row: number): string =>
    `${site}:${layer}:${row}`;

export class CellPanel {
  readonly root = el('section', {className: 'cell-panel', hidden: true, ariaLabel: 'Chosen cell'});
  private readonly heading = el('h3');
  private readonly lists = el('div', {className: 'lists'});
  private readonly actions = new Actions('predict');
  private readonly progress: Progress;
  private readonly runner: Runner;
  private choice: Choice|null = null;
  private isClicked = false;  // by the reader, so that the page scrolls to it
  private turn = 0;

  constructor(index: number) {
    this.runner = new Runner(`cell-${index}`);
    this.root.dataset.view = 'cell';
    this.progress = new Progress(this.root, () => this.stop(), () => void this.compute());
    this.root.append(
        el('div', {className: 'head'}, this.heading, this.progress.root), this.lists,
        this.actions.root);
  }

  hide(): void {
    this.cancel();
    this.root.hidden = true;
    this.choice = null;
  }

  // The cell that is shown, as the address holds it.
  get shown(): string {
    return this.choice ? cellText(this.choice.trace.site, this.choice.layer, this.choice.row) : '';
  }

  private stop(): void {
    this.cancel();
    this.progress.stopped();
  }

  private cancel(): void {
    ++this.turn;
    this.runner.stop();
  }

  // A cell that the reader clicks is scrolled to; one of the address is not.
  click(choice: Choice): void {
    this.show(choice);
    this.isClicked = true;
    this.root.scrollIntoView({block: 'nearest'});
  }

  show(choice: Choice): void {
    this.choice = choice;
    this.isClicked = false;
    this.root.hidden = false;
    const {trace, row, layer} = choice, token = visible(trace.facts[0]!.tokens[row] ?? '');
    const layers = trace.window > 1 ? `a window of ${trace.window} layers around layer ${layer}` :
                                      `layer ${layer}`;
    this.heading.textContent =
        `Patched run: ${trace.site} restored at token ${row} (${token}), in ${layers}`;
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
    const choice = this.choice, turn = ++this.turn;
    if (!choice) return;
    this.actions.setOld();
    this.lists.classList.add('stale');
    this.progress.computing();
    try {
      const {result, warnings} = await this.runner.run(this.words(choice), this.progress.events(() => turn === this.turn));
      if (turn !== this.turn) return;
      this.draw(choice, result.json as Prediction);
      this.actions.show([result]);
      this.progress.drawn(warnings);
      if (this.isClicked) this.root.scrollIntoView({block: 'nearest'});
    } catch (error) {
      if (turn !== this.turn) return;
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
