/**
 * Keeps `docs/attacks.md` true. Its table says for each attack, under an id, what must happen; the test that proves a row
 * has the id at the head of its title. Every row has a test and every id in a title has a row, or the run fails.
 */

import type { TextFile } from './tidy.ts'

const id = '(?:AC|PK|RU|CA|RT|DP|RV|IN|JW|CK|LG|DS|SF|IJ|MX|TM|AD|DV|PR|CM|LO|BF|OP|BR|TX)-[0-9]{2}(?![0-9])'

/** `RT-05 ends the grant`, or `RT-05, RT-06 end the grant` where one test proves several rows. */
const head = `${id}(?:, ${id})*`
const headOfTitle = new RegExp(`(?<=['"\`])${head}(?=:? \\S)`, 'g')

/** The ids of the rows of the table, in its order. */
export function listedIds(table: string): readonly string[] {
  return [...table.matchAll(new RegExp(`^\\| (?<name>${id}) \\|`, 'gm'))].map(match => match.groups?.['name'] ?? '')
}

/** Every id at the head of a title in the tests, with the files it stands in. */
export function testedIds(files: readonly TextFile[]): ReadonlyMap<string, readonly string[]> {
  const tested = new Map<string, string[]>()
  for (const file of files.filter(({ path }) => path.endsWith('.test.ts'))) {
    for (const match of file.text.matchAll(headOfTitle)) {
      for (const name of match[0].split(', ')) tested.set(name, [...(tested.get(name) ?? []), file.path])
    }
  }
  return tested
}

/** What keeps the table and the tests from saying the same, one sentence each. */
export function disagreements(table: string, files: readonly TextFile[]): readonly string[] {
  const listed = listedIds(table)
  const tested = testedIds(files)
  const twice = listed.filter((name, index) => listed.indexOf(name) !== index)
  const untested = listed.filter(name => !tested.has(name))
  const unlisted = [...tested].filter(([name]) => !listed.includes(name))
  return [
    ...twice.map(name => `${name} has two rows`),
    ...untested.map(name => `${name} has a row, but no test has it in its title`),
    ...unlisted.map(([name, paths]) => `${name} is in a title of ${paths.join(', ')}, but has no row`),
    ...badHeads(files),
  ]
}

/** People and this file must both find an id: it stands first in the title, and a lower-case sentence follows. */
function badHeads(files: readonly TextFile[]): readonly string[] {
  const isGood = new RegExp(`^${head}:? \\S`)
  const holdsId = new RegExp(`\\b${id}`)
  return files
    .filter(({ path }) => path.endsWith('.test.ts'))
    .flatMap(({ path, text }) => {
      const heads = [...text.matchAll(/\b(?:it|test|describe)\(\s*['"`](?<title>[^'"`\n]*)/g)]
      const titles = heads.map(match => match.groups?.['title'] ?? '')
      const bad = titles.filter(title => holdsId.test(title) && !isGood.test(title))
      return bad.map(title => `${path}: a title starts with its ids, then comes the sentence, unlike '${title}'`)
    })
}
