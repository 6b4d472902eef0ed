/**
 * `npm run bench`: the standard set, which takes about a quarter of an hour, with its figures in `bench/results` and the
 * page made from them. Each part is a program of its own and can be run alone; `--all` runs every part at full length.
 *
 *     npm run bench                       the standard set
 *     npm run bench -- sqlite scenarios   these parts of it
 *     npm run bench -- --all [PART…]      the long form, each part under a quarter of an hour
 *     npm run bench -- --list             what would be run
 *     npm run bench -- --prove            proves of every contender that it rotates durably
 */

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { postgresNames, sqliteNames } from './names.ts'

interface Part {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  /** What `--all` adds, or has instead of the standard set's arguments; null where the part is only in `--all`. */
  readonly standardArgs: readonly string[] | null
}

const everyLoad = ['--connections', '1,16,64,256', '--seconds', '2', '--rounds', '3']
const someLoads = ['--connections', '1,64', '--seconds', '1.5', '--rounds', '3', '--settle-seconds', '3']
const sizes = ['--families', '1000,100000,1000000,10000000', '--rounds', '3']

const parts: readonly Part[] = [
  {
    name: 'sqlite',
    program: 'refresh.ts',
    args: ['--only', sqliteNames.join(','), ...everyLoad],
    standardArgs: someLoads,
  },
  {
    name: 'postgres',
    program: 'refresh.ts',
    args: ['--only', postgresNames.join(','), ...everyLoad],
    standardArgs: someLoads,
  },
  { name: 'scenarios', program: 'scenarios.ts', args: [], standardArgs: ['--rounds', '2', '--seconds', '2'] },
  { name: 'start', program: 'start.ts', args: [], standardArgs: ['--rounds', '2', '--seconds', '2'] },
  { name: 'generations', program: 'generations.ts', args: ['--only', 'limit,pawl,limit-pg,pawl-pg'], standardArgs: [] },
  { name: 'families-sqlite', program: 'families.ts', args: ['--only', 'limit,pawl', ...sizes], standardArgs: null },
  {
    name: 'families-postgres',
    program: 'families.ts',
    args: ['--only', 'limit-pg,pawl-pg', ...sizes],
    standardArgs: null,
  },
  { name: 'micro', program: 'micro.ts', args: [], standardArgs: null },
]

const folder = import.meta.dirname
const words = process.argv.slice(2)
process.exitCode = main(words)

function main(given: readonly string[]): number {
  if (given.includes('--prove'))
    return run(
      'prove-all.ts',
      given.filter(word => word !== '--prove'),
    )
  const flags = given.filter(word => word.startsWith('--'))
  const unknown = flags.filter(flag => flag !== '--all' && flag !== '--list')
  const named = given.filter(word => !word.startsWith('--'))
  const strange = [...unknown, ...named.filter(name => parts.every(part => part.name !== name))]
  if (strange.length > 0) {
    console.error(`There is no ${strange.join(', ')}: parts are ${parts.map(part => part.name).join(', ')}`)
    return 2
  }
  const isLong = flags.includes('--all')
  const chosen = parts.filter(part =>
    named.length > 0 ? named.includes(part.name) : isLong || part.standardArgs !== null,
  )
  const results = join(folder, 'results')
  mkdirSync(results, { recursive: true })
  for (const part of chosen) {
    // A flag given twice counts the second time.
    const args = [...part.args, ...(isLong ? [] : (part.standardArgs ?? []))]
    console.error(`\nnode bench/${part.program} ${args.join(' ')}`)
    if (flags.includes('--list')) continue
    const status = run(part.program, [...args, '--out', join(results, `${part.name}.json`)])
    if (status !== 0) return status
  }
  return flags.includes('--list') ? 0 : run('page.ts', [])
}

function run(program: string, args: readonly string[]): number {
  const { status } = spawnSync(process.execPath, [join(folder, program), ...args], { stdio: 'inherit' })
  return status ?? 1
}
