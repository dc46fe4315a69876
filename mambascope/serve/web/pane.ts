// Shows a pane: its model and prompt, the prompt's tokens, the subject and the corruption. The
// next-token distribution follows every keystroke.
import {Actions} from './actions';
import {ApiError, Ended, Prediction} from './api';
import {bars} from './bars';
import {checkbox, Control, input, option, select} from './controls';
import {el, freshId, labelled} from './dom';
import {fromExample, mark, missingPrompt, missingSubject, modelWord, otherSubjects, retype,
        subjectOf, subjectSpan, subjectText, withSubject} from './fact';
import {Progress} from './progress';
import {setTokens, tokensOf} from './prompt_tokens';
import {Runner} from './runner';
import {change, changePane, follows, PaneState, promptOf, session, setRefused,
        state} from './state';
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
  private readonly ownFields: HTMLElement[];  // hidden while the pane follows the first
  private readonly progress: Progress;
  private readonly runner: Runner;
  private key = '';
  private timer = 0;
  private turn = 0;
  private suggestedFor = '';

  constructor(private readonly index: number) {
    const set = (patch: Partial<PaneState>) => changePane(index, patch);
    const get = () => state.panes[index]!;
    this.runner = new Runner(`predict-${index}`);
    this.root.ariaLabel = index ? 'Second pane' : 'First pane';
    this.root.dataset.view = 'predict';
    this.progress = new Progress(this.root, () => this.stop(), () => void this.compute());
    this.text.addEventListener('input', () => set(retype(get(), this.text.value)));
    this.strip = new TokenStrip(
        'Tokens. Click or drag to mark the subject, or use Space and Shift with the arrow keys.',
        (first, last) => this.markTokens(first, last));
    const other = input('Other subject', () => get().other, value => set({other: value}));
    other.input.setAttribute('list', this.others.id);
    const noise = input(
        'Noise level (standard deviations)', () => get().noise, value => set({noise: value}),
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
      input('Subject', () => subjectText(get()), value => set(withSubject(get(), value))),
      select(
          'Corrupted by', () => [option('subject', 'another subject'), option('noise')],
          () => get().corruption, value => set({corruption: value})),
      hideUnless(other, () => get().corruption !== 'noise'),
      hideUnless(noise, () => get().corruption === 'noise'),
      input(
          'Answer', () => get().answer, value => set({answer: value}),
          {placeholder: 'most probable token'}),
    ];
    const same = checkbox(
        'Same prompt', () => follows(index), isOn => change({same: isOn ? '1' : ''}, true));
    const choices = index ? [model, same] : [model];
    this.controls = [...choices, ...fact];
    const examples = labelled('Example fact', exampleMenu(index));
    const prompt = labelled('Prompt', this.text, 'field prompt');
    const factFields = el('div', {className: 'toolbar'}, ...fact.map(control => control.root));
    this.ownFields = [...(session.examples.length ? [examples] : []), prompt, factFields];
    examples.hidden = true;
    this.root.append(
        el('div', {className: 'toolbar'}, ...choices.map(control => control.root), examples),
        prompt, this.strip.root, this.stripNote, factFields, this.others,
        el('div', {className: 'next'},
           el('div', {className: 'head'}, el('h2', {textContent: 'Next token'}),
              this.progress.root),
           this.output, this.actions.root));
  }

  update(): void {
    this.root.hidden = false;
    const pane = state.panes[this.index]!;
    if (this.text.value !== pane.text) this.text.value = pane.text;
    this.controls.forEach(control => control.update());
    this.ownFields.forEach(field => field.hidden = follows(this.index));
    this.suggest(pane);
    this.showStrip();
    const why = missingPrompt(pane), key = JSON.stringify([why, this.words(pane)]);
    if (key === this.key) return;
    this.key = key;
    this.cancel();
    this.root.classList.add('old');
    this.actions.setOld();
    if (why) {
      this.clear(pane, '');
      this.progress.idle(why);
      return;
    }
    this.progress.waiting(0);
    this.timer = setTimeout(() => void this.compute(), kDebounce);
  }

  // Hides a second pane. It is kept for the next time.
  hide(): void {
    if (this.root.hidden) return;
    this.cancel();
    this.key = '';
    this.root.hidden = true;
  }

  private stop(): void {
    this.cancel();
    this.progress.stopped();
  }

  private cancel(): void {
    clearTimeout(this.timer);
    ++this.turn;
    this.runner.stop();
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
    const count = tokensOf(this.index).length;
    const subject = missingSubject(pane) || `The subject is ${subjectOf(pane)}.`;
    this.stripNote.textContent = count ? `${plural(count, 'token')}. ${subject}` : '';
  }

  private markTokens(first: number, last: number): void {
    const tokens = tokensOf(this.index);
    if (this.root.classList.contains('old') || !tokens[last])
      return;  // tokens of an earlier prompt
    changePane(
        follows(this.index) ? 0 : this.index,
        mark(state.panes[this.index]!, tokens[first]!.begin, tokens[last]!.end));
  }

  private async compute(): Promise<void> {
    const turn = ++this.turn, pane = state.panes[this.index]!;
    this.progress.waiting(0);
    try {
      const {result, warnings} = await this.runner.run(this.words(pane), this.progress.events(() => turn === this.turn));
      if (turn !== this.turn) return;
      const {tokens, top} = result.json as Prediction;
      this.root.classList.remove('old');
      setRefused(this.index, null);
      setTokens(this.index, pane, promptOf(pane), tokens);
      this.showStrip();
      this.output.replaceChildren(bars(top, 'Most probable next tokens'));
      this.actions.show([result]);
      this.progress.drawn(warnings);
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Ended) this.progress.stopped();
      else {
        const isRefused = error instanceof ApiError && error.status === 400;
        if (isRefused) setRefused(this.index, pane);
        this.clear(pane, isRefused ? promptOf(pane) : '');
        this.progress.failed(error);
      }
    }
  }

  // There are no tokens of the prompt.
  private clear(pane: PaneState, prompt: string): void {
    this.output.replaceChildren();
    this.actions.show([]);
    setTokens(this.index, pane, prompt, []);
    this.showStrip();
  }
}
