/** Reads the imports of a source file. A line is enough: the formatter keeps every import at the start of its own. */

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Import {
  readonly line: number
  /** The text between the quotes; `null` for `import(expression)`, which nobody can follow. */
  readonly specifier: string | null
  /** True for `import type` and `export type`, which leave nothing behind at run time. */
  readonly typeOnly: boolean
}

const statements = [
  /^import\s+(?<type>type\s+)?(?:[\w$*{},\s]+?\s+from\s+)?'(?<specifier>[^']+)'/gm,
  /^export\s+(?<type>type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+'(?<specifier>[^']+)'/gm,
  /^(?!\s*(?:\*|\/\/)).*?\bimport\(\s*(?:'(?<specifier>[^']+)')?/gm,
]

/** Every `.ts` file of every package, relative to `root`, in order; built output and dependencies left out. */
export function sourceFiles(root: string): readonly string[] {
  return globSync('packages/*/src/**/*.ts', { cwd: root }).sort()
}

/** The imports and re-exports of one file, in the order of its lines. */
export function readImports(root: string, file: string): readonly Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = statements.flatMap(statement => [...text.matchAll(statement)].map(match => toImport(text, match)))
  return found.sort((one, other) => one.line - other.line)
}

function toImport(text: string, match: RegExpExecArray): Import {
  const line = text.slice(0, match.index).split('\n').length
  return { line, specifier: match.groups?.['specifier'] ?? null, typeOnly: match.groups?.['type'] !== undefined }
}
