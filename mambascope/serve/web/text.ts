// Writes numbers and tokens as the page shows them. Positions in a prompt count code points, as the
// server's do.
import {Token} from './api';

export function number(value: number|null|undefined, digits = 4): string {
  if (value === null || value === undefined) return 'no value';
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(digits - 2);
  return Number(value.toPrecision(digits)).toString();
}

// A probability in few characters: 0.9946, 0.0030, 1.3e-6.
export function shortNumber(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(4);
}

// A token with its spaces and line ends visible.
export const visible = (text: string): string =>
    text.replace(/ /g, '\u00b7').replace(/\n/g, '\u21b5').replace(/\t/g, '\u21e5') || '\u00b7';

// A token as the page shows it. An id of a padded vocabulary has no text.
export const tokenText = ({id, text}: {id: number; text: string | null}): string =>
    text === null ? `#${id}` : visible(text);

export const sameTokens = (a: Token[], b: Token[]): boolean => a.length === b.length &&
    a.every((token, i) => token.id === b[i]!.id && token.text === b[i]!.text);

export const points = (text: string): string[] => [...text];
export const slice = (text: string, begin: number, end?: number): string =>
    points(text).slice(begin, end).join('');

const kFields: [RegExp, string][] = [
  [/--corrupt-subject(?![\w-])/g, 'Other subject'],
  [/--subject(?![\w-])/g, 'Subject'],
  [/--noise(?![\w-])/g, 'Noise level'],
  [/--(channel|head)(?![\w-])/g, 'Head or channel'],
  [/--target(?![\w-])/g, 'New object'],
  [/--layers?(?![\w-])/g, 'Layer'],
  [/--projections?(?![\w-])/g, 'Projection'],
];

// A command's message, with the names of the page's fields in place of its options.
export const withFields = (message: string): string =>
    kFields.reduce((text, [option, field]) => text.replace(option, field), message);

// "1 token", "2 tokens".
export const plural = (count: number, noun: string): string =>
    `${count} ${noun}${count === 1 ? '' : 's'}`;
