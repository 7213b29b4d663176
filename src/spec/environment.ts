/** Environment variables in the strings of a job file: `${NAME}`, `${NAME:-default}`; `$${` stands for a plain `${`. */
const variable = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

export interface Expansion {
  text: string;
  /** Variables that are not set and have no default. */
  missing: string[];
  /** The text was nothing but one variable: its value may stand for a number or a flag. */
  whole: boolean;
}

/** An empty variable counts as unset where there is a default, as in a shell. */
export function expand(text: string, env: Readonly<Record<string, string | undefined>>): Expansion {
  const missing: string[] = [];
  let variables = 0;
  const expanded = text.replace(variable, (match, name: string | undefined, fallback: string | undefined) => {
    if (name === undefined) return '${';
    variables++;
    const value = env[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) missing.push(name);
    return value ?? match;
  });
  const whole = variables === 1 && /^\$\{[^}]*\}$/.test(text);
  return { text: expanded, missing, whole };
}

/** A number or flag that a variable's text stands for; the text itself where it stands for neither. */
export function scalarOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : text;
}
