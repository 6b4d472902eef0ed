/**
 * `npm run bench:page`: writes `docs/performance.md` from the figures in `bench/results`, so that no figure on it is typed
 * by hand. Another folder of figures and another file can be named: `node bench/page.ts RESULTS FILE`.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './measure/machine.ts'
import { aimsTable } from './page/aims.ts'
import { markdownTable, rounded } from './page/markdown.ts'
import { otherSections } from './page/other-sections.ts'
import { refreshSection } from './page/refresh-section.ts'
import { readResults, type Results } from './page/results.ts'
import { contenders, introduction, notMeasured } from './page/words.ts'

const [results = join(import.meta.dirname, 'results'), file = join(import.meta.dirname, '../docs/performance.md')] =
  process.argv.slice(2)
writeFileSync(file, pageOf(readResults(results)))

function pageOf(read: Results): string {
  const parts = [
    introduction,
    `## Aims\n\n${aimsTable(read)}`,
    runsSection(read),
    contenders,
    refreshSection('Rotations on SQLite', 'pawl', read.sqlite),
    refreshSection('Rotations on PostgreSQL', 'pawl-pg', read.postgres),
    ...otherSections(read),
    notMeasured,
  ]
  return `${parts.join('\n\n')}\n`
}

/** A figure without its machine, versions and command is no figure. */
function runsSection(read: Results): string {
  const entries: readonly (readonly [string, { readonly machine: Machine } | null])[] = Object.entries(read)
  const runs = entries.flatMap(([name, run]) => (run === null ? [] : { name, machine: run.machine }))
  if (runs.length === 0) return '## Runs\n\nNone yet.'
  const rows = runs.map(({ name, machine }) => [
    name,
    machine.startedAt.slice(0, 16).replace('T', ' '),
    machine.commit,
    machine.loadAverage.map(load => load.toFixed(2)).join(' '),
    `\`${machine.command}\``,
  ])
  const machines = new Set(
    runs.map(({ machine }) => {
      const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
      const memory = rounded(machine.memoryBytes / 2 ** 30, 1)
      const flushes =
        machine.memoryFileSystem === null ? '' : ` **On ${machine.memoryFileSystem}: nothing is durable.**`
      return `${machine.processor}, ${machine.cores} cores, ${memory} GiB, ${machine.system}; ${versions.join(', ')}.${flushes}`
    }),
  )
  const heads = ['run', 'started (UTC)', 'commit', 'load average before', 'command']
  return ['## Runs', ...machines, markdownTable(heads, rows)].join('\n\n')
}
