/**
 * Proves that imports point one way only: inside the server `http`, `cli` -> `oauth`, `admin` -> `domain` <- `store`,
 * and between packages never towards the server. The linter sees the text of an import, not where it leads, so this
 * resolves every one and asks `rings.ts`.
 *
 *     node tools/check-rings.ts [ROOT]
 */

import { readImports, sourceFiles } from './imports.ts'
import { brokenRules } from './rings.ts'

const root = process.argv[2] ?? process.cwd()
const files = sourceFiles(root)
const broken = files.flatMap(file => brokenRules(file, readImports(root, file)))

for (const { file, line, specifier, rule } of broken) console.error(`${file}:${line} imports ${specifier}: ${rule}`)
if (files.length === 0) console.error(`no source file under ${root}/packages: is this the repository?`)
if (broken.length > 0 || files.length === 0) process.exit(1)
console.log(`rings: ${files.length} files, no import against the direction`)
