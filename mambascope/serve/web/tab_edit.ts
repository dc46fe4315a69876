// Rewrites the fact in a copy of the model (ROME or MEMIT), and shows what the edited model
// predicts. Only the Edit button and Enter make an edit.
import {Actions} from './actions';
import {ApiError, Ended, Next, Result} from './api';
import {bars} from './bars';
import {Control, group, input, option, select} from './controls';
import {button, el, labelled} from './dom';
import {EditedModel} from './edited_model';
import {missing, modelWord, subjectOf, templateOf} from './fact';
import {View} from './figure_view';
import {Figures, summaryLines} from './figures';
import {Progress} from './progress';
import {Runner, RunResult} from './runner';
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

const kStopped = 'This computation was stopped. Press Edit to make this edit.';
const kOwn = ['steps', 'kl', 'clamp'] as const;  // options whose default is the command's

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
  private readonly more: Control;
  private readonly editButton: HTMLButtonElement;
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
  private made = '';    // the words of the edit that is shown
  private madeOf = '';  // its model
  private turn = 0;

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
    this.more = this.moreOptions();
    this.root.append(this.form.root, this.more.root, this.note, this.progress.root, this.content);
  }

  private moreOptions(): Control {
    const get = () => state.panes[this.index]!;
    const set = (patch: Partial<PaneState>) => changePane(this.index, patch);
    const field = (name: typeof kOwn[number], label: string) => input(
        label, () => get()[name], value => set({[name]: value}),
        {inputMode: 'decimal', size: 6, placeholder: 'default'});
    const checks = el('textarea', {rows: 2, placeholder: '{} is in'});
    checks.addEventListener('input', () => set({checks: checks.value}));
    const fields = group('toolbar', [
      field('steps', 'Steps of the search'),
      field('kl', 'Weight of the KL loss'),
      field('clamp', 'Largest change of the value'),
      {
        root:
            labelled('Check prompts, one per line. Write {} for the subject', checks, 'field wide'),
        update() {
          if (checks.value !== get().checks) checks.value = get().checks;
        },
      },
    ]);
    const root =
        el('details', {open: [...kOwn, 'checks' as const].some(name => get()[name])},
           el('summary', {textContent: 'More options'}), fields.root);
    return {root, update: () => fields.update()};
  }

  update(pane: PaneState): void {
    this.form.update();
    this.more.update();
    const isOld = this.made !== '' && this.made !== JSON.stringify(this.words(pane));
    this.content.classList.toggle('stale', isOld && !this.edited);
    this.note.textContent = !isOld ?
        '' :
        this.madeOf !== pane.model ?
        `This is an edit of ${this.madeOf}. Press Edit to make one of ${pane.model}.` :
        'You changed the settings after this edit. Press Edit to make a new one.';
    const why = this.missing(pane);
    if (!this.made && this.root.dataset.state === 'idle' && (why || !this.progress.isStopped))
      this.progress.idle(why || 'Press Edit to make this edit.');
  }

  hide(): void {
    if (this.progress.isBusy) this.stop();
    this.edited?.hide();
  }

  private missing(pane: PaneState): string {
    return missing(pane, false) ||
        (pane.target.trim() ? '' : 'Type a new object, then press Edit.');
  }

  private words(pane: PaneState): string[] {
    const layer = layerOf(pane);
    const own = kOwn.map(name => [name, pane[name].trim()]).filter(([, value]) => value);
    const checks = pane.checks.split('\n').map(line => line.trim()).filter(Boolean);
    return [
      'edit', modelWord(pane), `--prompt=${templateOf(pane)}`, `--subject=${subjectOf(pane)}`,
      `--target=${pane.target}`, ...(layer ? [`--layer=${layer}`] : []),
      `--projection=${projectionOf(pane).name}`, `--method=${pane.method}`,
      ...own.map(([name, value]) => `--${name}=${value}`),
      ...checks.map(prompt => `--check-prompts=${prompt}`)
    ];
  }

  private stop(): void {
    ++this.turn;
    this.runner.stop();
    this.figures.stop();
    this.progress.ended(kStopped);
    this.editButton.disabled = false;
  }

  private async compute(): Promise<void> {
    if (this.progress.isBusy) return;
    const turn = ++this.turn, pane = {...state.panes[this.index]!}, why = this.missing(pane);
    if (why) {
      this.progress.failed(new ApiError(why, 400));
      return;
    }
    this.clear();
    this.progress.waiting(0);
    this.editButton.disabled = true;
    try {
      const made = await this.runner.run(this.words(pane), this.progress.events(() => turn === this.turn));
      if (turn === this.turn && await this.figures.show(made.result.figures, made.result.tables))
        this.show(pane, made);
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Ended) this.progress.ended(kStopped);
      else this.progress.failed(error);
    } finally {
      if (turn === this.turn) this.editButton.disabled = false;
    }
  }

  private show(pane: PaneState, {result, warnings}: RunResult): void {
    this.made = JSON.stringify(this.words(pane));
    this.madeOf = pane.model;
    this.showLists(result);
    this.summary.replaceChildren(...summaryLines(result));
    if (result.edit !== undefined) {
      this.edited = new EditedModel(this.index, result.edit, pane, () => {
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
    const list = (name: string, {p_target, top}: Says) =>
        el('div', {className: 'list'}, el('h4', {textContent: name}),
           el('p', {className: 'count', textContent: `p(new object) = ${number(p_target)}`}),
           bars(top, `Most probable tokens of the ${name}`));
    this.lists.replaceChildren(list('base model', before), list('edited model', after));
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
  about: 'Can the fact be rewritten? An edit makes a copy of the model and changes one or more ' +
      'weights in it. Your model does not change.',
  toolbar: () => group('toolbar', []),
  view: index => new EditView(index),
};
