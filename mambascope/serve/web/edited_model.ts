// Compares an edited model with the base model on any prompt, while it is typed. Saves, downloads
// or discards the edit.
import {Ended, Prediction, request} from './api';
import {bars} from './bars';
import {button, download, el, labelled} from './dom';
import {missingPrompt, modelWord, subjectOf} from './fact';
import {errorBox, Progress} from './progress';
import {Runner} from './runner';
import {changePane, PaneState, promptOf, state} from './state';

export class EditedModel {
  readonly root = el('section', {className: 'edited', ariaLabel: 'Edited model'});
  private readonly prompt = el('textarea', {rows: 2, spellcheck: false});
  private readonly lists = el('div', {className: 'lists'});
  private readonly said = el('p', {className: 'count', role: 'status'});
  private readonly trouble = el('div');
  private readonly progress: Progress;
  private readonly runners: Runner[];
  private timer = 0;
  private turn = 0;

  constructor(
      private readonly index: number, private readonly edit: string,
      private readonly of : PaneState, onDiscard: () => void) {
    this.runners = ['base', 'edited'].map(name => new Runner(`${name}-${index}`));
    const live = el('div', {className: 'live'});
    live.dataset.view = 'edited';
    this.progress = new Progress(live, () => this.hide(), () => void this.compute());
    this.prompt.value = state.panes[index]!.tried || promptOf(of);
    this.prompt.addEventListener('input', () => {
      this.schedule();
      changePane(this.index, {tried: this.prompt.value});
    });
    live.append(
        labelled('Try a prompt on the edited model', this.prompt, 'field prompt'),
        this.progress.root, this.lists);
    const act = (text: string, does: () => Promise<void>) =>
        button(text, () => void this.attempt(does));
    this.root.append(
        live, el('div', {className: 'actions'}, act('Save edit', async () => {
                   const saved =
                       await (await request(`/api/edits/${edit}/save`, {method: 'POST'})).json() as
                   {
                     folder: string;
                     files: string[]
                   };
                   this.said.textContent = `Saved in ${saved.folder}: ${saved.files.join(', ')}.`;
                 }), act('Download edit', async () => {
                   const file = await request(`/api/edits/${edit}/edit.safetensors`);
                   download(await file.blob(), 'edit.safetensors');
                   this.said.textContent = 'Downloaded edit.safetensors.';
                 }), act('Discard edit', async () => {
                   await request(`/api/edits/${edit}`, {method: 'DELETE'});
                   this.hide();
                   onDiscard();
                 })), this.said, this.trouble);
    void this.compute();
  }

  // Stops what is computed.
  hide(): void {
    clearTimeout(this.timer);
    ++this.turn;
    this.runners.forEach(runner => runner.stop());
    if (this.progress.isBusy) this.progress.stopped();
  }

  private async attempt(does: () => Promise<void>): Promise<void> {
    this.trouble.replaceChildren();
    try {
      await does();
    } catch (error) {
      this.trouble.replaceChildren(errorBox(error, () => void this.attempt(does)));
    }
  }

  private schedule(): void {
    clearTimeout(this.timer);
    ++this.turn;  // what is computed is old
    this.runners.forEach(runner => runner.stop());
    this.lists.classList.add('stale');
    this.progress.waiting(0);
    this.timer = setTimeout(() => void this.compute(), 50);
  }

  private async compute(): Promise<void> {
    const turn = ++this.turn;
    // {} is the subject of the edit.
    const tried = {...this.of, text: this.prompt.value, subject: subjectOf(this.of)};
    const why = missingPrompt(tried);
    if (why) {
      this.lists.replaceChildren();
      this.progress.idle(why);
      return;
    }
    this.progress.computing();
    try {
      const words = ['predict', modelWord(tried), `--prompt=${promptOf(tried)}`, '--top=10'];
      const on = {...this.progress.events(() => turn === this.turn), progress: () => {}};
      const made = await Promise.all(this.runners.map(
          (runner, i) => runner.run(i ? [...words, `--edit=${this.edit}`] : words, on)));
      if (turn !== this.turn) return;
      this.lists.replaceChildren(...made.map(({result}, i) => {
        const name = i ? 'edited model' : 'base model';
        return el(
            'div', {className: 'list'}, el('h4', {textContent: name}),
            bars((result.json as Prediction).top, `Most probable tokens of the ${name}`));
      }));
      this.lists.classList.remove('stale');
      this.progress.drawn(made[0]!.warnings);
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Ended) this.progress.stopped();
      else this.progress.failed(error);
    }
  }
}
