import type { ContractEntry, TaskEntry } from './catalogue.ts';
import { defaultUrl } from './fields.ts';
import type { Locate, Problem } from './problem.ts';

/** The parts of a job that its contract has a say in. */
interface ContractParts {
  url: string;
  parameters: Readonly<Record<string, unknown>>;
}

/** Whether the contract can ask for the task, with these parameters, at some URL. */
export function checkContract(
  { url, parameters }: ContractParts,
  contract: ContractEntry,
  task: TaskEntry,
  locate: Locate,
): Problem[] {
  const problems: Problem[] = [];
  if (contract.name !== 'hf' && url === defaultUrl) {
    problems.push({
      kind: 'missing-field',
      message: `contract ${contract.name} needs backend.url: the Hugging Face router speaks hf`,
      suggestion: 'name the server, such as http://127.0.0.1:8080',
      ...locate(['backend', 'contract']),
    });
  }
  if (contract.tasks === undefined) return problems;
  const known = contract.tasks[task.name];
  if (known === undefined) {
    problems.push({
      kind: 'invalid-option',
      message: `contract ${contract.name} does not serve ${task.name}`,
      suggestion: `it serves ${Object.keys(contract.tasks).join(', ')}; hf and endpoint serve every task`,
      ...locate(['backend', 'contract']),
    });
    return problems;
  }
  for (const name of Object.keys(parameters)) {
    if (name === 'extra' || known.includes(name) || !Object.hasOwn(task.parameters.shape, name)) continue;
    const takes = known.length === 0 ? 'none' : `only ${known.join(', ')}`;
    problems.push({
      kind: 'invalid-option',
      message: `contract ${contract.name} has no place for ${task.name}’s parameter "${name}"`,
      suggestion: `it takes ${takes}; parameters.extra passes the server’s own`,
      ...locate(['parameters', name], 'key'),
    });
  }
  return problems;
}
