// An edit that was made: saves, downloads or discards it, and compares the edited model with the
// base model on any prompt, while it is typed.
import {Ended, Prediction, request} from './api';
import {bars} from './bars';
import {button, download, el, labelled} from './dom';
import {errorBox, Progress} from './progress';
import {Runner} from './runner';

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
      index: number, private readonly edit: string, private readonly model: string, prompt: string,
      onDiscard: () => void) {
    this.runners = ['base', 'edited'].map(name => new Runner(`${name}-${index}`));
    const live = el('div', {className: 'live'});
    live.dataset.view = 'edited';
    this.progress = new Progress(live, () => this.hide(), () => void this.compute());
    this.prompt.value = prompt;
    this.prompt.addEventListener('input', () => this.schedule());
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

  hide(): void {
    clearTimeout(this.timer);
    ++this.turn;
    this.runners.forEach(runner => runner.stop());
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
    this.lists.classList.add('stale');
    this.timer = setTimeout(() => void this.compute(), 50);
  }

  private async compute(): Promise<void> {
    const turn = ++this.turn, prompt = this.prompt.value;
    if (!prompt) {
      this.lists.replaceChildren();
      this.progress.idle('Type a prompt.');
      return;
    }
    this.progress.computing();
    try {
      const words = ['predict', `--model=${this.model}`, `--prompt=${prompt}`, '--top=10'];
      const on = {
        waiting: (ahead: number) => {
          if (turn === this.turn) this.progress.waiting(ahead);
        },
        progress: () => {},
      };
      const answers = await Promise.all(this.runners.map(
          (runner, i) => runner.run(i ? [...words, `--edit=${this.edit}`] : words, on)));
      if (turn !== this.turn) return;
      this.lists.replaceChildren(...answers.map(({result}, i) => {
        const name = i ? 'edited' : 'base';
        return el(
            'div', {className: 'list'}, el('h4', {textContent: name}),
            bars((result.json as Prediction).top, `Most probable tokens of the ${name} model`));
      }));
      this.lists.classList.remove('stale');
      this.progress.drawn(answers[0]!.warnings);
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Ended) this.progress.stopped();
      else this.progress.failed(error);
    }
  }
}
