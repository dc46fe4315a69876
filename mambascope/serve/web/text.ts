// Numbers and tokens as the page shows them. Positions in a prompt count code points, as the
// server's do.

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

export const points = (text: string): string[] => [...text];
export const slice = (text: string, begin: number, end?: number): string =>
    points(text).slice(begin, end).join('');

// "1 token", "2 tokens".
export const plural = (count: number, noun: string): string =>
    `${count} ${noun}${count === 1 ? '' : 's'}`;
