// Keeps the tokens of each pane's prompt, as the last prediction had them.
import {Token} from './api';
import {changePane, PaneState, promptOf, state} from './state';
import {sameTokens} from './text';

interface Known {
  model: string;
  prompt: string;
  tokens: Token[];
}
const known: Known[] = [];
const listeners: (() => void)[] = [];

export const tokensOf = (index: number): Token[] => known[index]?.tokens ?? [];
export const onTokens = (listener: () => void): void => {
  listeners.push(listener);
};

// Whether the tokens are those of the pane's present prompt and model.
export function areCurrent(index: number): boolean {
  const pane = state.panes[index], one = known[index];
  return !!pane && !!one && one.model === pane.model && one.prompt === promptOf(pane);
}

// Tokens that were chosen by their numbers are forgotten if another model has other tokens. (If
// the prompt is another one, `changePane` forgets them.)
export function setTokens(
    index: number, {model}: PaneState, prompt: string, tokens: Token[]): void {
  const old = known[index], same = sameTokens(tokens, tokensOf(index));
  known[index] = {model, prompt, tokens};
  if (old?.prompt === prompt && old.model !== model && !same) changePane(index, {from: '', to: ''});
  if (old?.prompt !== prompt || old.model !== model || !same)
    listeners.forEach(listener => listener());
}

// The second pane begins with the tokens of the first.
export function copyTokens(from: number, to: number): void {
  if (known[from]) known[to] = known[from];
}
