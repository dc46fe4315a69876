// The prompt of a pane as a fact: its template with {}, its subject, and the options of commands.
import {Example} from './api';
import {PaneState, session} from './state';
import {points, slice} from './text';

const isTemplate = (pane: PaneState): boolean => pane.text.includes('{}');

export const subjectOf = (pane: PaneState): string =>
    isTemplate(pane) ? pane.subject : slice(pane.text, pane.begin, pane.end);

// The prompt with {} in place of the subject.
export const templateOf = (pane: PaneState): string => isTemplate(pane) ?
    pane.text :
    `${slice(pane.text, 0, pane.begin)}{}${slice(pane.text, pane.end)}`;

// The prompt that the model is asked.
export const promptOf = (pane: PaneState): string =>
    isTemplate(pane) ? pane.text.replace('{}', () => pane.subject) : pane.text;

// The subject's code points [begin, end) in the prompt.
export function subjectSpan(pane: PaneState): [number, number] {
  if (!isTemplate(pane)) return [pane.begin, pane.end];
  const begin = points(pane.text.slice(0, pane.text.indexOf('{}'))).length;
  return [begin, begin + points(pane.subject).length];
}

// Marks code points [begin, end) of the prompt, without the white space around them.
export function mark(pane: PaneState, begin: number, end: number): Partial<PaneState> {
  const text = promptOf(pane), marked = slice(text, begin, end);
  const left = points(marked).length - points(marked.trimStart()).length;
  const length = points(marked.trim()).length;
  return {text, begin: begin + left, end: begin + left + length, subject: ''};
}

// The subject's place after the text was typed in: it moves with the text around it.
export function retype(pane: PaneState, text: string): Partial<PaneState> {
  if (text.includes('{}')) return {text, subject: subjectOf(pane), begin: 0, end: 0};
  if (isTemplate(pane)) return found(pane, text, pane.subject);
  const before = points(pane.text), after = points(text);
  const shorter = Math.min(before.length, after.length);
  let head = 0, tail = 0;
  while (head < shorter && before[head] === after[head]) ++head;
  while (tail < shorter - head &&
         before[before.length - 1 - tail] === after[after.length - 1 - tail])
    ++tail;
  const grown = after.length - before.length, changedEnd = before.length - tail;
  let {begin, end} = pane;
  if (begin === end) return found(pane, text, '');
  if (changedEnd <= begin && head < begin) [begin, end] = [begin + grown, end + grown];
  else if (head >= begin && changedEnd <= end && head < end) end += grown;
  else if (head < end) return found(pane, text, subjectOf(pane));
  return {text, begin, end};
}

// The text with its earlier subject, or else with the longest subject of an example that is in it.
function found(pane: PaneState, text: string, subject: string): Partial<PaneState> {
  const same = find(text, subject);
  if (same.end) return {text, ...same};
  const known = session.examples.map(example => example.subject)
                    .filter(name => text.includes(name))
                    .sort((a, b) => b.length - a.length)[0];
  if (!known) return {text, begin: 0, end: 0};
  const marked = {text, ...find(text, known)};
  return {...marked, other: otherSubjects({...pane, ...marked})[0] ?? pane.other};
}

// Where the subject is in a text; nothing is marked if it is not there.
function find(text: string, subject: string): {begin: number; end: number} {
  const at = subject ? text.indexOf(subject) : -1;
  if (at < 0) return {begin: 0, end: 0};
  const begin = points(text.slice(0, at)).length;
  return {begin, end: begin + points(subject).length};
}

// The pane with another subject: in the prompt, the new one takes the old one's place.
export function withSubject(pane: PaneState, subject: string): Partial<PaneState> {
  if (isTemplate(pane)) return {subject};
  const {begin, end} = pane;
  if (begin === end && pane.text.includes(subject) && subject) return find(pane.text, subject);
  if (begin === end && begin === 0) return {text: `{}${pane.text && ' '}${pane.text}`, subject};
  const text = `${slice(pane.text, 0, begin)}${subject}${slice(pane.text, end)}`;
  return {text, begin, end: begin + points(subject).length};
}

// Why there is no fact yet, or ''.
export function missing(pane: PaneState, needsCorruption = true): string {
  if (!promptOf(pane).trim()) return 'Type a prompt.';
  if (!subjectOf(pane).trim())
    return 'Mark the subject: click its tokens, or type it as the subject.';
  if (!needsCorruption) return '';
  if (pane.corruption === 'noise') return pane.noise.trim() ? '' : 'Give the noise level.';
  return pane.other.trim() ? '' : 'Give an other subject for the corrupted run, or choose noise.';
}

export const modelWord = (pane: PaneState): string => `--model=${pane.model}`;

export function factWords(pane: PaneState): string[] {
  const words = [modelWord(pane), `--prompt=${templateOf(pane)}`, `--subject=${subjectOf(pane)}`];
  if (pane.answer.trim()) words.push(`--answer=${pane.answer}`);
  return words;
}

export const corruptionWords = (pane: PaneState): string[] =>
    pane.corruption === 'noise' ? [`--noise=${pane.noise}`] : [`--corrupt-subject=${pane.other}`];

// Examples of the same pattern, or else of the subject's relation, that have another object. A
// trace is clearest if both subjects have the same number of tokens, so those come first.
export function otherSubjects(pane: PaneState): string[] {
  const subject = subjectOf(pane), template = templateOf(pane);
  let same = session.examples.filter(example => example.pattern === template);
  if (!same.length) {
    const relation = session.examples.find(example => example.subject === subject)?.relation;
    same = session.examples.filter(example => example.relation === relation);
  }
  const own = same.find(example => example.subject === subject);
  const distance = (other: Example) => own ? Math.abs(other.tokens - own.tokens) : 0;
  return same.filter(example => example.subject !== subject && example.object !== own?.object)
      .sort((a, b) => distance(a) - distance(b))
      .map(example => example.subject);
}

// A pane's values for an example.
export function fromExample(index: number): Partial<PaneState> {
  const example = session.examples[index]!;
  const text = example.pattern.replace('{}', () => example.subject);
  const filled =
      {text, subject: '', answer: '', target: '', from: '', to: '', ...find(text, example.subject)};
  return {
    ...filled,
    other: otherSubjects({...filled, corruption: 'subject'} as PaneState)[0] ?? ''
  };
}
