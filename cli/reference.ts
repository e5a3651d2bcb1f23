/**
 * docs/reference: pages made from what the program itself parses by, so that they cannot say anything else. Text only.
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { Recipe } from '../config/recipe';
import { DataSource } from '../config/workflow-input';
import { failures } from '../errors';

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly doc?: string;
  readonly unit?: string;
  readonly source?: string;
}

const MADE = '<!-- Made by `npx lodestone reference --write`; edit the sources it names instead. -->';

/** File name in docs/reference to its text. */
export function referencePages(program: Command): Record<string, string> {
  return { 'recipe.md': recipePage(), 'cli.md': commandPage(program), 'errors.md': errorPage() };
}

export function recipePage(): string {
  return page([
    '# The recipe',
    MADE,
    'Everything that decides a run but its name and the place of its data (`config/recipe.ts`). Written as YAML in `recipes/`, changed with ' +
      '`--set path=value`, and part of the workflow input. Every field has a default. An unknown field is an error.',
    fieldTable(z.toJSONSchema(Recipe, { io: 'input', unrepresentable: 'any' }) as JsonSchema),
    '## Which data: `source`',
    'A recipe file may name its data, so that `lodestone run FILE.yaml` needs no folder. A relative path is relative to the file.',
    fieldTable({ properties: { source: z.toJSONSchema(DataSource, { io: 'input' }) as JsonSchema } }),
  ]);
}

export function errorPage(): string {
  const rows = Object.entries(failures).map(
    ([kind, { exitCode, retry, means }]) => `| ${exitCode} | \`${kind}\` | ${means} | ${retry ? 'yes' : 'no'} |`,
  );
  return page([
    '# Exit codes and failures',
    MADE,
    'Every way in which lodestone fails (`errors.ts`). The kind is also the type of the Temporal failure and stands in `--json`. ' +
      'Retried ones are tried again by Temporal before a run fails with them. 0 is success, which for `lodestone stop` is a run that stopped; 130 is a view that was left with Ctrl-C; the run goes on, on the local stack while anything else holds it.',
    ['| code | kind | means | retried |', '|---|---|---|---|', ...rows].join('\n'),
  ]);
}

export function commandPage(program: Command): string {
  const sections = leaves(program).map((command) => {
    const help = command.createHelp();
    const words = help.visibleOptions(command).filter(({ long }) => long !== '--help');
    const rows = [
      ...command.registeredArguments.map(
        (argument) =>
          `| \`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\` | ${cell(argument.description)} |`,
      ),
      ...words.map((option) => `| \`${option.flags}\` | ${cell(help.optionDescription(option))} |`),
    ];
    const table = rows.length > 0 ? ['| | |', '|---|---|', ...rows].join('\n') : 'No options.';
    return `## \`${help.commandUsage(command).replace(' [options]', '')}\`\n\n${capital(command.description())}.\n\n${table}`;
  });
  return page([
    '# Commands',
    MADE,
    '`npx lodestone <command> --help` says the same, with examples. Answers go to stdout, everything else to stderr; with `--json` the last line of ' +
      'stdout is one JSON object. Exit codes: [errors.md](errors.md). Fields for `--set`: [recipe.md](recipe.md).',
    ...sections,
  ]);
}

function leaves(command: Command): Command[] {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
  return below.flatMap((one) => (one.commands.length > 0 ? leaves(one) : [one]));
}

function fieldTable(schema: JsonSchema): string {
  const rows = fields(schema, '').map(
    ({ path, value, at }) =>
      `| \`${path}\` | ${cell(value)} | ${at.default === undefined ? '' : `\`${JSON.stringify(at.default)}\``} | ` +
      `${cell([at.doc ?? '', at.unit === undefined ? '' : `(${at.unit})`].filter((text) => text !== '').join(' '))} | ${cell(at.source ?? '')} |`,
  );
  return ['| field | value | default | meaning | source |', '|---|---|---|---|---|', ...rows].join('\n');
}

interface Field {
  readonly path: string;
  readonly value: string;
  readonly at: JsonSchema;
}

/** Leaves in the order of the schema; the choices of a union one after the other, each field with its `type`. */
function fields(schema: JsonSchema, path: string): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, at]) => {
    const here = path === '' ? key : `${path}.${key}`;
    const choices = choicesOf(at).filter(({ properties }) => properties !== undefined);
    if (choices.length > 0)
      return [{ path: here, value: valueOf(at), at }, ...choices.flatMap((choice) => ofChoice(choice, here))];
    if (at.properties !== undefined) return fields(at, here);
    return [{ path: here, value: valueOf(at), at }];
  });
}

/** Unions in unions are one list: a choice or null, for one. */
function choicesOf(at: JsonSchema): JsonSchema[] {
  return (at.anyOf ?? at.oneOf ?? []).flatMap((one) => ((one.anyOf ?? one.oneOf) ? choicesOf(one) : [one]));
}

function ofChoice(choice: JsonSchema, path: string): Field[] {
  const type = choice.properties?.type?.const;
  return fields(choice, path)
    .filter(({ path: at }) => at !== `${path}.type`)
    .map((field) =>
      type === undefined ? field : { ...field, value: `${field.value}, with type ${JSON.stringify(type)}` },
    );
}

function valueOf(at: JsonSchema): string {
  const among = at.anyOf ?? at.oneOf;
  if (among !== undefined) return among.map(valueOf).join(' or ');
  if (at.const !== undefined) return JSON.stringify(at.const);
  if (at.enum !== undefined) return at.enum.map((value) => JSON.stringify(value)).join(', ');
  if (at.type === 'array') return `list of ${valueOf(at.items ?? {})}`;
  if (at.type === 'object')
    return at.properties?.type?.const === undefined
      ? 'fields'
      : `{type: ${JSON.stringify(at.properties.type.const)}, …}`;
  const usual = (bound: number | undefined): boolean =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const bounds = [
    usual(at.minimum) ? `≥ ${at.minimum}` : '',
    usual(at.exclusiveMinimum) ? `> ${at.exclusiveMinimum}` : '',
    usual(at.maximum) ? `≤ ${at.maximum}` : '',
    usual(at.exclusiveMaximum) ? `< ${at.exclusiveMaximum}` : '',
  ].filter((text) => text !== '');
  return [at.type ?? 'any', ...bounds].join(' ');
}

function page(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
