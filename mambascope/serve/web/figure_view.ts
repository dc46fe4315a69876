// Runs one command for a pane, and shows its result: figures and tables, command line and JSON.
import {Actions} from './actions';
import {Ended} from './api';
import {Control} from './controls';
import {el} from './dom';
import {Figures, summaryLines} from './figures';
import {Progress} from './progress';
import {Runner, RunResult} from './runner';
import {PaneState} from './state';

// A pane's part of a tab. Only the visible tab is updated.
export interface View {
  root: HTMLElement;
  update(pane: PaneState): void;
  hide(): void;
}

const kDelay = 100;  // ms after the last change

export class FigureView implements View {
  readonly root: HTMLElement;
  private readonly figures = new Figures();
  private readonly actions: Actions;
  private readonly summary = el('dl', {className: 'summary'});
  private readonly content: HTMLElement;
  private readonly progress: Progress;
  private readonly runner: Runner;
  private timer = 0;
  private key = '';
  private turn = 0;  // of what is computed and drawn
  private words: string[] = [];

  // `wordsOf` gives the command's words, or a text that says what is missing.
  constructor(
      private readonly command: string, index: number,
      private readonly wordsOf: (pane: PaneState) => string[] | string,
      private readonly extra: Control|null = null) {
    this.runner = new Runner(`${command}-${index}`);
    this.root = el('div', {className: 'view'});
    this.root.dataset.view = command;
    this.progress = new Progress(this.root, () => this.stop(), () => void this.compute());
    this.actions = new Actions(command);
    this.content =
        el('div', {className: 'content'}, this.summary, this.figures.root, this.actions.root);
    if (extra) this.root.append(extra.root);
    this.root.append(this.progress.root, this.content);
  }

  update(pane: PaneState): void {
    this.extra?.update();
    const words = this.wordsOf(pane), key = JSON.stringify(words);
    if (key === this.key) return;
    this.key = key;
    this.cancel();
    this.content.classList.add('stale');
    this.actions.setOld();
    if (typeof words === 'string') {
      this.clear();
      this.progress.idle(words);
      return;
    }
    this.words = [this.command, ...words];
    this.progress.waiting(0);
    this.timer = setTimeout(() => void this.compute(), kDelay);
  }

  hide(): void {
    this.cancel();
    if (this.root.dataset.state !== 'drawn') this.key = '';
  }

  private stop(): void {
    this.cancel();
    this.progress.stopped();
  }

  private cancel(): void {
    clearTimeout(this.timer);
    ++this.turn;
    this.runner.stop();
    this.figures.stop();
  }

  private async compute(): Promise<void> {
    const turn = ++this.turn;
    this.progress.waiting(0);
    try {
      const made = await this.runner.run(this.words, this.progress.events(() => turn === this.turn));
      if (turn === this.turn && await this.figures.show(made.result.figures, made.result.tables))
        this.show(made);
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Ended) {
        this.progress.stopped();
        return;
      }
      this.clear();
      this.progress.failed(error);
    }
  }

  private show({result, warnings}: RunResult): void {
    this.summary.replaceChildren(...summaryLines(result));
    this.actions.show([result]);
    this.content.classList.remove('stale');
    this.progress.drawn(warnings);
  }

  private clear(): void {
    this.figures.clear();
    this.summary.replaceChildren();
    this.actions.show([]);
  }
}
