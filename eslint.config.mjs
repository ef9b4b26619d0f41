import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'artefacts/', 'sample/dist/', 'test/fixtures/'] },
  ...tseslint.configs.recommended,
  {
    files: ['agent/**/*.ts', 'extension/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // Only the editor's own folder may know VS Code; test/structure.test.ts checks the other arrows.
    files: ['agent/**/*.ts', 'extension/**/*.ts'],
    ignores: ['extension/vscode/**'],
    rules: { 'no-restricted-imports': ['error', { paths: ['vscode'] }] },
  },
);
