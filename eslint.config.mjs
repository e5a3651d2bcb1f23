// Type-aware rules for all code, and the import table of the house: which room may import which.
import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const rooms = [
  'activities',
  'bench',
  'cli',
  'config',
  'datasets',
  'engine',
  'infra',
  'learning',
  'report',
  'storage',
  'test',
  'workflows',
];
const mayImport = {
  config: [],
  engine: ['config'],
  learning: ['engine', 'config'],
  datasets: ['config', 'learning'],
  storage: ['config'],
  report: ['config', 'learning'],
  activities: ['config', 'engine', 'learning', 'datasets', 'storage', 'report'],
  workflows: ['config', 'activities'],
  infra: ['config'],
  cli: ['config', 'learning', 'datasets', 'storage', 'report', 'activities', 'workflows', 'infra'],
};
const zones = Object.entries(mayImport).flatMap(([room, allowed]) =>
  rooms
    .filter((other) => other !== room && !allowed.includes(other))
    .map((other) => ({
      target: `./${room}`,
      from: `./${other}`,
      message: `${room}/ does not know ${other}/ (docs/architecture.md).`,
    })),
);
const never = (names, why) => ({ patterns: [{ group: names, message: why }] });
const temporal = ['@temporalio/*'];
const s3 = ['@aws-sdk/*', '@smithy/*'];
const clocks = [
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    message: 'Draw from learning/random.ts: a run must repeat.',
  },
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'No clock here: a run must repeat.',
  },
  { selector: "NewExpression[callee.name='Date']", message: 'No clock here: a run must repeat.' },
];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.lodestone/**', 'test/fixtures/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.js', '.mjs'] } } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'import-x/no-restricted-paths': ['error', { zones }],
    },
  },
  {
    files: ['learning/**/*.ts', 'engine/**/*.ts', 'datasets/**/*.ts', 'report/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', never([...temporal, ...s3], 'The method knows neither Temporal nor S3.')],
    },
  },
  { files: ['learning/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...clocks] } },
  {
    files: ['storage/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', never(temporal, 'Storage moves bytes; it does not know Temporal.')] },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        never(
          ['node:*', 'fs', 'path', 'crypto', '@temporalio/client', '@temporalio/worker', '@temporalio/activity', ...s3],
          'Workflow code is deterministic: only @temporalio/workflow and @temporalio/common.',
        ),
      ],
      'no-restricted-syntax': ['error', ...clocks],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        require: 'readonly',
        module: 'writable',
        __dirname: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        AbortController: 'readonly',
        AbortSignal: 'readonly',
        fetch: 'readonly',
        setImmediate: 'readonly',
        performance: 'readonly',
      },
    },
  },
);
