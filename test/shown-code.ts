/** Code that a document shows is code: each block of it is a file that the compiler reads. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** The TypeScript blocks of the documents, and the files of the folder, each in the order of their texts. */
export function shownAndCompiled(
  documents: readonly string[],
  folder: string,
): readonly [readonly string[], readonly string[]] {
  const texts = documents.map(path => readFileSync(join(root, path), 'utf8'))
  const shown = texts.flatMap(text => [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code))
  const compiled = readdirSync(join(root, folder)).map(name => readFileSync(join(root, folder, name), 'utf8'))
  return [shown.toSorted(), compiled.toSorted()]
}
