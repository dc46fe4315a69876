// One pane: model, prompt, subject and corruption, the token strip, and the next-token
// distribution, which follows every keystroke.
import {Actions} from './actions';
import {Ended, Prediction} from './api';
import {bars} from './bars';
import {Control, input, option, select} from './controls';
import {el, freshId, labelled} from './dom';
import {fromExample, mark, modelWord, otherSubjects, promptOf, retype, subjectOf, subjectSpan,
        withSubject} from './fact';
import {Progress} from './progress';
import {setTokens, tokensOf} from './prompt_tokens';
import {Runner} from './runner';
import {changePane, PaneState, session, state} from './state';
import {plural} from './text';
import {TokenStrip} from './tokens';

const kDebounce = 50;  // ms

// The menu of examples, by relation.
function exampleMenu(index: number): HTMLSelectElement {
  const menu = el('select', {}, el('option', {value: '', textContent: 'choose'}));
  let group: HTMLOptGroupElement|null = null;
  session.examples.forEach((example, i) => {
    const label = example.relation.replaceAll('_', ' ');
    if (group?.label !== label) menu.append(group = el('optgroup', {label}));
    group.append(el(
        'option', {value: String(i), textContent: `${example.subject} \u2192 ${example.object}`}));
  });
  menu.addEventListener('change', () => {
    if (menu.value) changePane(index, fromExample(Number(menu.value)), true);
    menu.value = '';
  });
  return menu;
}

export class Pane {
  readonly root = el('section', {className: 'pane'});
  private readonly text = el('textarea', {rows: 2, spellcheck: false});
  private readonly strip: TokenStrip;
  private readonly stripNote = el('p', {className: 'count'});
  private readonly others = el('datalist', {id: freshId('others')});
  private readonly output = el('div', {className: 'output'});
  private readonly actions = new Actions('predict');
  private readonly controls: Control[];
  private readonly progress: Progress;
  private readonly runner: Runner;
  private key = '';
  private timer = 0;
  private suggestedFor = '';

  constructor(private readonly index: number) {
    const set = (patch: Partial<PaneState>) => changePane(index, patch);
    const get = () => state.panes[index]!;
    this.runner = new Runner(`predict-${index}`);
    this.root.ariaLabel = index ? 'Second pane' : 'First pane';
    this.root.dataset.view = 'predict';
    this.progress = new Progress(this.root, () => this.runner.stop(), () => void this.compute());
    this.text.addEventListener('input', () => set(retype(get(), this.text.value)));
    this.strip = new TokenStrip(
        'Tokens. Click or drag to mark the subject, or use Space and Shift with the arrow keys.',
        (first, last) => this.markTokens(first, last));
    const other = input('Other subject', () => get().other, value => set({other: value}));
    other.input.setAttribute('list', this.others.id);
    const noise = input(
        'Noise level', () => get().noise, value => set({noise: value}),
        {inputMode: 'decimal', size: 4});
    const hideUnless = (control: Control, shows: () => boolean): Control => ({
      root: control.root,
      update() {
        control.update();
        control.root.hidden = !shows();
      },
    });
    const model = select(
        'Model', () => session.models.map(one => option(one.name, one.name)), () => get().model,
        value => changePane(index, {model: value, editLayer: '', projection: ''}, true));
    const fact = [
      input('Subject', () => subjectOf(get()), value => set(withSubject(get(), value))),
      select(
          'Corrupted by', () => [option('subject', 'other subject'), option('noise')],
          () => get().corruption, value => set({corruption: value})),
      hideUnless(other, () => get().corruption !== 'noise'),
      hideUnless(noise, () => get().corruption === 'noise'),
      input(
          'Answer', () => get().answer, value => set({answer: value}),
          {placeholder: 'most probable token'}),
    ];
    this.controls = [model, ...fact];
    const examples = labelled('Try a fact', exampleMenu(index));
    examples.hidden = !session.examples.length;
    this.root.append(
        el('div', {className: 'toolbar'}, model.root, examples),
        labelled('Prompt', this.text, 'field prompt'), this.strip.root, this.stripNote,
        el('div', {className: 'toolbar'}, ...fact.map(control => control.root)), this.others,
        el('div', {className: 'next'},
           el('div', {className: 'head'}, el('h2', {textContent: 'Next token'}),
              this.progress.root),
           this.output, this.actions.root));
  }

  update(): void {
    const pane = state.panes[this.index]!;
    if (this.text.value !== pane.text) this.text.value = pane.text;
    this.controls.forEach(control => control.update());
    this.suggest(pane);
    this.showStrip();
    const words = this.words(pane), key = JSON.stringify(words);
    if (key === this.key) return;
    this.key = key;
    clearTimeout(this.timer);
    this.runner.stop();
    this.root.classList.add('old');
    if (!promptOf(pane)) {
      this.output.replaceChildren();
      this.actions.show([]);
      setTokens(this.index, []);
      this.strip.show([], () => false);
      this.progress.idle('Type a prompt.');
      return;
    }
    this.progress.waiting(0);
    this.timer = setTimeout(() => void this.compute(), kDebounce);
  }

  hide(): void {
    clearTimeout(this.timer);
    this.runner.stop();
    this.key = '';
  }

  private words(pane: PaneState): string[] {
    return ['predict', modelWord(pane), `--prompt=${promptOf(pane)}`, '--top=10'];
  }

  private suggest(pane: PaneState): void {
    const names = otherSubjects(pane), key = names.join('\0');
    if (key === this.suggestedFor) return;
    this.suggestedFor = key;
    this.others.replaceChildren(...names.map(value => el('option', {value})));
  }

  private showStrip(): void {
    const pane = state.panes[this.index]!, [begin, end] = subjectSpan(pane);
    this.strip.show(
        tokensOf(this.index), token => begin < end && token.begin < end && token.end > begin);
    const subject = subjectOf(pane), count = tokensOf(this.index).length;
    this.stripNote.textContent = !count ? '' :
        subject ? `${plural(count, 'token')}. The subject is ${subject}.` :
                  `${plural(count, 'token')}. Mark the subject: click or drag over its tokens.`;
  }

  private markTokens(first: number, last: number): void {
    const tokens = tokensOf(this.index);
    if (this.root.classList.contains('old') || !tokens[last])
      return;  // tokens of an earlier prompt
    changePane(this.index, mark(state.panes[this.index]!, tokens[first]!.begin, tokens[last]!.end));
  }

  private async compute(): Promise<void> {
    const key = this.key;
    try {
      const {result, warnings} = await this.runner.run(JSON.parse(key) as string[], {
        waiting: ahead => this.progress.waiting(ahead),
        progress: (text, share) => this.progress.computing(text, share),
      });
      if (key !== this.key) return;
      const {tokens, top} = result.json as Prediction;
      this.root.classList.remove('old');
      setTokens(this.index, tokens);
      this.showStrip();
      this.output.replaceChildren(bars(top, 'Most probable next tokens'));
      this.actions.show([result]);
      this.progress.drawn(warnings);
    } catch (error) {
      if (key !== this.key) return;
      if (error instanceof Ended) this.progress.stopped();
      else {
        this.output.replaceChildren();
        this.actions.show([]);
        this.progress.failed(error);
      }
    }
  }
}
