// Chooses light or dark colours: those of the reader's system, until the button changes them.
const system = matchMedia('(prefers-color-scheme: dark)');
const kKey = 'mambascope-theme';

// Storage may be forbidden.
const stored = (): string|null => {
  try {
    return localStorage.getItem(kKey);
  } catch {
    return null;
  }
};
let chosen: string|null = stored();

export const isDark = (): boolean => chosen ? chosen === 'dark' : system.matches;
const listeners = new Set<() => void>();
export const onTheme = (listener: () => void): void => {
  listeners.add(listener);
};

function show(): void {
  document.documentElement.style.colorScheme = isDark() ? 'dark' : 'light';
  listeners.forEach(listener => listener());
}

export function startTheme(): void {
  show();
  system.addEventListener('change', show);
}

export function toggleTheme(): void {
  chosen = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem(kKey, chosen);
  } catch {
    // The choice then lasts as long as the page.
  }
  show();
}
