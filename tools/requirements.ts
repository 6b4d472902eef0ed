/**
 * Keeps `docs/requirements-*.md` true. The last column of their tables names the tests that prove a row, with `; ` between
 * them: each by how its title begins, and with its file in front where two titles begin so. A row that names none, and a
 * name that leads to no black-box test, fail the run.
 */

import type { Rule, TextFile } from './tidy.ts'

const tablesOfRequirements = /^docs\/requirements-[a-z0-9-]+\.md$/
/** What stands over each of those tables, so that no row can escape by being in another one. */
const head = '| Clause | What is asked | Test |'
const attackId = /^[A-Z]{2}-[0-9]{2}$/

interface Title {
  readonly path: string
  /** As it stands in the source, without its quotes; a template still has its `${…}`. */
  readonly text: string
  /** Of its file and of what that takes from the stage: what fills the holes of a template stands in it. */
  readonly source: string
}

export const requirementsAreProven: Rule = files => {
  const titles = files.filter(({ path }) => isBlackBox(path)).flatMap(file => titlesOf(file, files))
  return files
    .filter(({ path }) => tablesOfRequirements.test(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const wrong = line.startsWith('|') ? judgeRow(line, text.split('\n')[index + 1] ?? '', titles) : []
        return wrong.map(sentence => `${path}:${index + 1}: ${sentence}`)
      }),
    )
}

/** Over HTTP and from outside: the tests of `test/`, but for those of the repository itself. */
function isBlackBox(path: string): boolean {
  return /^test\/.*\.test\.ts$/.test(path) && path !== 'test/tidy.test.ts'
}

function judgeRow(line: string, next: string, titles: readonly Title[]): readonly string[] {
  if (/^[|\s:-]+$/.test(line)) return []
  if (/^[|\s:-]+$/.test(next)) return line === head ? [] : [`heads a table with something else than ${head}`]
  const cells = line.split(/(?<!\\)\|/).map(cell => cell.trim())
  if (cells.length !== 5) return ['is no row of three columns']
  const [, clause = '', asked = '', named = ''] = cells
  if (clause === '' || asked === '') return ['leaves a column empty']
  if (named === '') return ['names no test']
  return named.split('; ').flatMap(name => judgeName(name, titles))
}

function judgeName(name: string, titles: readonly Title[]): readonly string[] {
  const { file, words = '' } = /^(?:`(?<file>[^`]+)`: )?(?<words>.+)$/.exec(name)?.groups ?? {}
  const found = titles.filter(title => (file === undefined || title.path === file) && begins(title, words))
  if (found.length === 0) return [`names '${name}', which no test in test/ is called`]
  const isOne = found.length === 1 || found.filter(title => title.text === words).length === 1
  if (isOne || attackId.test(words)) return []
  return [`names '${name}', and ${found.length} tests are called so: write more of it, or the file before it`]
}

/** A title begins with whole words of its own; one with holes in it is named whole, with what fills them. */
function begins({ text, source }: Title, words: string): boolean {
  if (attackId.test(words)) return new RegExp(`^(?:[A-Z]{2}-[0-9]{2}, )*${words}(?=[:, ])`).test(text)
  if (!text.includes('${'))
    return text === words || (text.startsWith(words) && /^[\s,;:.]/.test(text.slice(words.length)))
  const pattern = text.split(/\$\{[^}]*\}/).map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  const filled = new RegExp(`^${pattern.join('(.+)')}$`).exec(words)
  return filled !== null && filled.slice(1).every(filling => source.includes(filling))
}

function titlesOf({ path, text }: TextFile, files: readonly TextFile[]): readonly Title[] {
  const staged = new Set([...text.matchAll(/\/(stage\/[a-z0-9-]+\.ts)'/g)].map(([, name]) => `test/${name}`))
  const source = [text, ...files.filter(file => staged.has(file.path)).map(file => file.text)].join('\n')
  const calls = text.matchAll(/\b(?:it|test)\(\s*(?<quote>['"`])(?<title>(?:\\.|(?!\k<quote>)[^\\\n])+)\k<quote>/g)
  return [...calls].map(({ groups }) => ({
    path,
    text: (groups?.['title'] ?? '').replaceAll(/\\(.)/g, '$1'),
    source,
  }))
}
