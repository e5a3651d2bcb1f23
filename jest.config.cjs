/**
 * How tests run: TypeScript through swc, two workers, after a check that set-up was run.
 */
const { swcOptions } = require('./test/setup/swc-options.cjs');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '\\.(ts|js|mjs)$': ['@swc/jest', swcOptions] },
  transformIgnorePatterns: ['/node_modules/', '<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.lodestone/'],
  globalSetup: '<rootDir>/test/setup/global-setup.cjs',
  testTimeout: 60_000,
  maxWorkers: 2,
};
