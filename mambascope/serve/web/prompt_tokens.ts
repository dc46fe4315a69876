// The tokens of each pane's prompt, as the last prediction had them.
import {Token} from './api';

const known: Token[][] = [];
const listeners: (() => void)[] = [];

export const tokensOf = (index: number): Token[] => known[index] ?? [];
export const onTokens = (listener: () => void): void => {
  listeners.push(listener);
};

export function setTokens(index: number, tokens: Token[]): void {
  const old = tokensOf(index);
  known[index] = tokens;
  if (old.map(token => token.text).join('\0') !== tokens.map(token => token.text).join('\0'))
    listeners.forEach(listener => listener());
}
