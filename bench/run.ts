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
  /** Null where the part is only in `--all`. */
  readonly standard: readonly string[] | null
  readonly all: readonly string[]
}

const someLoads = ['--connections', '1,64', '--seconds', '1.2', '--settle-seconds', '3']
const everyLoad = ['--connections', '1,16,64,256', '--seconds', '2']
const sizes = ['--families', '1000,100000,1000000,10000000']

const profiled = ['--only', 'limit,node-oauth,pawl,pawl-pg']

const parts: readonly Part[] = [
  { name: 'sqlite', program: 'refresh.ts', ...loads(sqliteNames) },
  { name: 'postgres', program: 'refresh.ts', ...loads(postgresNames) },
  { name: 'scenarios', program: 'scenarios.ts', standard: ['--rounds', '2', '--seconds', '1.5'], all: [] },
  { name: 'dpop', program: 'dpop.ts', standard: ['--rounds', '3', '--seconds', '2', '--settle-seconds', '5'], all: [] },
  { name: 'start', program: 'start.ts', standard: ['--rounds', '2', '--seconds', '1'], all: [] },
  { name: 'generations', program: 'generations.ts', standard: [], all: [] },
  { name: 'profile', program: 'profile.ts', standard: profiled, all: profiled },
  { name: 'families-sqlite', program: 'families.ts', standard: null, all: ['--only', 'limit,pawl', ...sizes] },
  { name: 'families-postgres', program: 'families.ts', standard: null, all: ['--only', 'limit-pg,pawl-pg', ...sizes] },
  { name: 'micro', program: 'micro.ts', standard: null, all: [] },
]

function loads(names: readonly string[]): Pick<Part, 'standard' | 'all'> {
  const only = ['--only', names.join(',')]
  return { standard: [...only, ...someLoads], all: [...only, ...everyLoad] }
}

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
  const chosen = parts.filter(part => (named.length > 0 ? named.includes(part.name) : isLong || part.standard !== null))
  const results = join(folder, 'results')
  mkdirSync(results, { recursive: true })
  for (const part of chosen) {
    const args = isLong ? part.all : (part.standard ?? part.all)
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
