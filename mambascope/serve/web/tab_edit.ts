// Edit: rewrites the fact in one weight (ROME or MEMIT), and shows what the edited model says. An
// edit is made by the button, never by itself.
import {Actions} from './actions';
import {Ended, Next, Result} from './api';
import {bars} from './bars';
import {Control, group, input, option, select} from './controls';
import {button, el, labelled} from './dom';
import {EditedModel} from './edited_model';
import {missing, modelWord, promptOf, subjectOf, templateOf} from './fact';
import {View} from './figure_view';
import {Figures} from './figures';
import {Progress} from './progress';
import {Answer, Runner} from './runner';
import {changePane, modelOf, PaneState, state} from './state';
import {Tab} from './tab';
import {number} from './text';

interface Says {
  p_target: number;
  top: Next[];
}
interface EditJson {
  edit: {before: Says; after: Says; target: string};
}

const projectionOf = (pane: PaneState) =>
    modelOf(pane).projections.find(one => one.name === pane.projection) ??
    modelOf(pane).projections.find(one => one.name === modelOf(pane).edit.projection) ??
    modelOf(pane).projections[0]!;

// The layer to edit. '': the published choice of the method, which for MEMIT is several layers.
function layerOf(pane: PaneState): string {
  if (pane.editLayer || pane.method === 'memit') return pane.editLayer;
  return String(modelOf(pane).edit.layer);
}

class EditView implements View {
  readonly root = el('div', {className: 'view'});
  private readonly form: Control;
  private readonly editButton: HTMLButtonElement;
  private readonly checks = el('textarea', {rows: 2, placeholder: '{} is in'});
  private readonly own: Record<string, string> = {steps: '', kl: '', clamp: ''};
  private readonly figures = new Figures();
  private readonly actions = new Actions('edit');
  private readonly lists = el('div', {className: 'lists'});
  private readonly summary = el('dl', {className: 'summary'});
  private readonly place = el('div');
  private readonly note = el('p', {className: 'count'});
  private readonly content: HTMLElement;
  private readonly progress: Progress;
  private readonly runner: Runner;
  private edited: EditedModel|null = null;
  private made = '';  // the words of the edit that is shown

  constructor(private readonly index: number) {
    const get = () => state.panes[index]!;
    const set = (patch: Partial<PaneState>) => changePane(index, patch);
    this.runner = new Runner(`edit-${index}`);
    this.root.dataset.view = 'edit';
    this.progress = new Progress(this.root, () => this.stop(), () => void this.compute());
    const target = input('New object', () => get().target, value => set({target: value}));
    target.input.addEventListener('keydown', event => {
      if (event.key === 'Enter') void this.compute();
    });
    this.form = group('toolbar', [
      target,
      select(
          'Layer',
          () =>
              [option(
                   '',
                   get().method === 'memit' ? 'default' : `default (${modelOf(get()).edit.layer})`),
               ...projectionOf(get()).layers.map(layer => option(String(layer), String(layer))),
    ],
          () => get().editLayer, value => set({editLayer: value})),
      select(
          'Projection',
          () => modelOf(get()).projections.map(one => ({value: one.name, text: one.name})),
          () => projectionOf(get()).name, value => set({projection: value, editLayer: ''})),
      select(
          'Method', () => [option('rome', 'ROME'), option('memit', 'MEMIT')], () => get().method,
          value => set({method: value})),
    ]);
    this.editButton = button('Edit', () => void this.compute(), 'primary');
    this.form.root.append(this.editButton);
    this.content =
        el('div', {className: 'content'}, this.lists, this.place, this.summary, this.figures.root,
           this.actions.root);
    this.root.append(
        this.form.root, this.moreOptions(), this.note, this.progress.root, this.content);
  }

  private moreOptions(): HTMLElement {
    const field = (name: string, label: string) =>
        input(label, () => this.own[name]!, value => {
          this.own[name] = value;
        }, {inputMode: 'decimal', size: 6, placeholder: 'default'}).root;
    return el(
        'details', {}, el('summary', {textContent: 'More options'}),
        el('div', {className: 'toolbar'}, field('steps', 'Steps'), field('kl', 'KL weight'),
           field('clamp', 'Clamp'),
           labelled('Check prompts, one per line, with {}', this.checks, 'field wide')));
  }

  update(pane: PaneState): void {
    this.form.update();
    const isOld = this.made !== '' && this.made !== this.key(pane);
    this.content.classList.toggle('stale', isOld && !this.edited);
    this.note.textContent =
        isOld ? 'The edit below was made with another prompt, target or weight.' : '';
    if (!this.made && (this.root.dataset.state === 'idle')) this.progress.idle(this.missing(pane));
  }

  hide(): void {
    this.runner.stop();
    this.edited?.hide();
  }

  private missing(pane: PaneState): string {
    return missing(pane, false) ||
        (pane.target.trim() ? '' : 'Type a new object, then press Edit.');
  }

  private words(pane: PaneState): string[] {
    const layer = layerOf(pane);
    const own = Object.entries(this.own).filter(([, value]) => value.trim());
    const checks = this.checks.value.split('\n').map(line => line.trim()).filter(Boolean);
    return [
      'edit', modelWord(pane), `--prompt=${templateOf(pane)}`, `--subject=${subjectOf(pane)}`,
      `--target=${pane.target}`, ...(layer ? [`--layer=${layer}`] : []),
      `--projection=${projectionOf(pane).name}`, `--method=${pane.method}`,
      ...own.map(([name, value]) => `--${name}=${value.trim()}`),
      ...checks.map(prompt => `--check-prompts=${prompt}`)
    ];
  }

  private key(pane: PaneState): string {
    return JSON.stringify([
      pane.model, templateOf(pane), subjectOf(pane), pane.target, layerOf(pane),
      projectionOf(pane).name, pane.method
    ]);
  }

  private stop(): void {
    this.runner.stop();
    this.progress.stopped();
    this.editButton.disabled = false;
  }

  private async compute(): Promise<void> {
    const pane = {...state.panes[this.index]!}, why = this.missing(pane);
    if (why) {
      this.progress.failed(new Error(why));
      return;
    }
    this.clear();
    this.progress.waiting(0);
    this.editButton.disabled = true;
    try {
      const answer = await this.runner.run(this.words(pane), {
        waiting: ahead => this.progress.waiting(ahead),
        progress: (text, share) => this.progress.computing(text, share),
      });
      await this.show(pane, answer);
    } catch (error) {
      if (error instanceof Ended) this.progress.stopped();
      else this.progress.failed(error);
    } finally {
      this.editButton.disabled = false;
    }
  }

  private async show(pane: PaneState, {result, warnings}: Answer): Promise<void> {
    await this.figures.show(result.figures, result.tables);
    this.made = this.key(pane);
    this.showLists(result);
    this.summary.replaceChildren(...result.summary.flatMap(
        ([name, value]) => [el('dt', {textContent: name}), el('dd', {textContent: value})]));
    if (result.edit !== undefined) {
      this.edited = new EditedModel(this.index, result.edit, pane.model, promptOf(pane), () => {
        this.clear();
        this.progress.idle('The edit was discarded.');
      });
      this.place.replaceChildren(this.edited.root);
    }
    this.actions.show([result]);
    this.content.classList.remove('stale');
    this.progress.drawn(warnings);
    this.update(state.panes[this.index]!);
  }

  private showLists(result: Result): void {
    const {before, after} = (result.json as EditJson).edit;
    this.lists.replaceChildren(...[['before', before], ['after', after]].map(
        ([name, says]) => el(
            'div', {className: 'list'}, el('h4', {textContent: `${name} the edit`}),
            el('p',
               {className: 'count', textContent: `p(target) = ${number((says as Says).p_target)}`}),
            bars((says as Says).top, `Most probable tokens ${name} the edit`))));
  }

  private clear(): void {
    this.made = '';
    this.edited?.hide();
    this.edited = null;
    this.figures.clear();
    this.lists.replaceChildren();
    this.summary.replaceChildren();
    this.place.replaceChildren();
    this.note.textContent = '';
    this.actions.show([]);
  }
}

export const editTab: Tab = {
  id: 'edit',
  title: 'Edit',
  about:
      'Can the fact be rewritten? An edit changes one weight of a copy of the model. ' +
      'The model on disk stays as it is.',
  toolbar: () => group('toolbar', []),
  view: index => new EditView(index),
};
