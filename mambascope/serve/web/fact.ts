// Reads a pane's prompt as a fact: its template with {} and its subject. Gives the options of
// commands.
import {Example} from './api';
import {isRefused, PaneState, promptOf, session} from './state';
import {points, slice} from './text';

const isTemplate = (pane: PaneState): boolean => pane.text.includes('{}');

export const subjectOf = (pane: PaneState): string =>
    isTemplate(pane) ? pane.subject : slice(pane.text, pane.begin, pane.end);

// What stands in the field Subject: what was typed there, unless another subject is marked.
export function subjectText(pane: PaneState): string {
  const subject = subjectOf(pane);
  return !subject || pane.subject.trim() === subject ? pane.subject : subject;
}

// The prompt with {} in place of the subject.
export const templateOf = (pane: PaneState): string => isTemplate(pane) ?
    pane.text :
    `${slice(pane.text, 0, pane.begin)}{}${slice(pane.text, pane.end)}`;

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
  if (text.includes('{}')) return {text, subject: subjectText(pane), begin: 0, end: 0};
  if (isTemplate(pane)) return found(pane, text, pane.subject.trim());
  const before = points(pane.text), after = points(text);
  const shorter = Math.min(before.length, after.length);
  let head = 0, tail = 0;
  while (head < shorter && before[head] === after[head]) ++head;
  while (tail < shorter - head &&
         before[before.length - 1 - tail] === after[after.length - 1 - tail])
    ++tail;
  const grown = after.length - before.length, changedEnd = before.length - tail;
  let {begin, end} = pane;
  if (begin === end && pane.subject.trim()) return {text, ...find(text, pane.subject.trim())};
  if (begin === end) return found(pane, text, '');
  if (changedEnd <= begin && head < begin) [begin, end] = [begin + grown, end + grown];
  else if (head >= begin && changedEnd <= end && head < end) end += grown;
  else if (head < end) return found(pane, text, subjectOf(pane));
  return {text, begin, end};
}

// The text with its earlier subject, or else with the longest subject of an example that is in it.
function found(pane: PaneState, text: string, subject: string): Partial<PaneState> {
  const same = find(text, subject);
  if (same.end) return {text, subject, ...same};
  const known = session.examples.map(example => example.subject)
                    .filter(name => text.includes(name))
                    .sort((a, b) => b.length - a.length)[0];
  const marked = {text, subject: '', ...find(text, known ?? '')};
  if (!known) return marked;
  return {...marked, other: otherSubjects({...pane, ...marked})[0] ?? pane.other};
}

// Where the subject is in a text: the last place where it is a whole word, or else the last.
// Nothing is marked if it is not there.
function find(text: string, subject: string): {begin: number; end: number} {
  const escaped = subject.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const words =
      text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'gu'));
  const at = subject ? [...words].at(-1)?.index ?? text.lastIndexOf(subject) : -1;
  if (at < 0) return {begin: 0, end: 0};
  const begin = points(text.slice(0, at)).length;
  return {begin, end: begin + points(subject).length};
}

// The pane with another subject: it fills {}, or is marked in the prompt, which stays as it is.
export const withSubject = (pane: PaneState, subject: string): Partial<PaneState> =>
    isTemplate(pane) ? {subject} : {subject, ...find(pane.text, subject.trim())};

// Why the prompt cannot be asked, or ''.
export function missingPrompt(pane: PaneState): string {
  if (pane.text.split('{}').length > 2) return 'A prompt has one {}.';
  if (isTemplate(pane) && !pane.subject.trim()) return 'Type the subject that stands for {}.';
  return promptOf(pane).trim() ? '' : 'Type a prompt.';
}

// Why there is nothing to compute for the prompt, or ''.
export const missingTokens = (pane: PaneState): string => missingPrompt(pane) ||
    (isRefused(pane) ? 'This prompt was refused. "Next token" says why.' : '');

// Why there is no subject, or ''.
export function missingSubject(pane: PaneState): string {
  if (subjectOf(pane).trim()) return '';
  const typed = pane.subject.trim();
  return typed && !pane.text.includes(typed) ?
      `The prompt does not contain ${typed}.` :
      'Mark the subject: drag over its tokens, or type it in Subject.';
}

// Why there is no fact yet, or ''.
export function missing(pane: PaneState, needsCorruption = true): string {
  const why = missingTokens(pane) || missingSubject(pane);
  if (why) return why;
  if (!needsCorruption) return '';
  if (pane.corruption === 'noise') return pane.noise.trim() ? '' : 'Type the noise level.';
  return pane.other.trim() ? '' : 'Type another subject for the corrupted run, or choose noise.';
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
  const begin = points(example.pattern.slice(0, example.pattern.indexOf('{}'))).length;
  const end = begin + points(example.subject).length;
  const filled = {text, subject: '', answer: '', target: '', begin, end};
  return {
    ...filled,
    other: otherSubjects({...filled, corruption: 'subject'} as PaneState)[0] ?? ''
  };
}
