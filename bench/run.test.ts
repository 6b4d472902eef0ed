import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LapFigures } from './figures.ts'
import type { Medians, Ratio } from './medians.ts'

const execute = promisify(execFile)
const timeout = 240_000

/** What needs no installing; the peers are proved by `npm run bench -- --prove`. */
const local = ['limit', 'limit-2', 'oidc-provider', 'oidc-provider-plain', 'pawl', 'pawl-2']
const onPostgres = ['limit-pg', 'oidc-provider-pg', 'pawl-pg']

async function run(program: string, ...args: string[]): Promise<string> {
  const script = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await execute(process.execPath, [script, ...args], { timeout })
  return stdout
}

async function figuresOf(program: string, ...args: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await run(program, '--quick', '--json', ...args)) as Record<string, unknown>
}

describe('the bench', () => {
  it('proves of each program that needs no installing that it rotates durably', async () => {
    const lines = (await run('run.ts', '--prove', '--only', [...local, ...onPostgres].join(','))).trim().split('\n')
    assert.deepEqual(
      lines.map(line => line.split(':')[0]),
      [...local, ...onPostgres],
    )
  })

  it('rides every contender at every number of connections, compares them and writes the page', async () => {
    const names = ['limit', 'oidc-provider', 'oidc-provider-plain', 'pawl']
    const figures = await figuresOf('refresh.ts', '--only', names.join(','))
    const { medians, ratios, disks, slowedNotRunBecause } = figures as {
      medians: Medians[]
      ratios: Ratio[]
      disks: { contender: string; rotations: number }[]
      slowedNotRunBecause: string | null
    }
    for (const flush of slowedNotRunBecause === null ? ['as-is', 'slowed'] : ['as-is']) {
      for (const connections of [1, 16]) {
        const here = medians.filter(row => row.connections === connections && row.flush === flush)
        assert.deepEqual(here.map(row => row.contender).toSorted(), names)
      }
    }
    assert.ok(medians.every(row => row.rotationsPerSecond > 0))
    assert.ok(ratios.some(row => row.contender === 'pawl' && row.against === 'limit' && row.rotationsPerSecond > 0))
    assert.ok(disks.every(row => row.rotations > 0))
    const page = await pageOf('sqlite', figures)
    assert.match(page, /\| pawl at least 10 times oidc-provider at 64 connections \| not measured \|/)
    const rates = medians.filter(row => row.contender === 'pawl' && row.flush === 'as-is')
    const cells = rates.map(row => Math.round(row.rotationsPerSecond).toLocaleString('en-US'))
    assert.ok(page.includes(`| pawl | ${cells.join(' | ')} |`), page)
  })

  it('measures PostgreSQL with its database apart', async () => {
    const { medians } = (await figuresOf('refresh.ts', '--only', onPostgres.join(','), '--connections', '4')) as {
      medians: Medians[]
    }
    assert.deepEqual([...new Set(medians.map(row => row.contender))], onPostgres)
    assert.ok(medians.every(row => (row.walBytes ?? 0) > 0))
  })

  it('measures half load, codes, introspection and revocation', async () => {
    const { laps } = (await figuresOf('scenarios.ts', '--only', 'oidc-provider,pawl')) as { laps: LapFigures[] }
    const kinds = new Set(laps.map(lap => `${lap.contender} ${lap.pace === null ? lap.exchange : 'half load'}`))
    const each = ['refresh', 'half load', 'introspect', 'redeem', 'revoke']
    assert.deepEqual(kinds, new Set(each.flatMap(kind => [`oidc-provider ${kind}`, `pawl ${kind}`])))
  })

  it('measures what a DPoP proof costs', async () => {
    const { costs } = (await figuresOf('dpop.ts', '--only', 'pawl')) as {
      costs: { verificationMicros: number; withMicros: number | null }[]
    }
    assert.equal(costs.length, 1)
    assert.ok(costs.every(({ verificationMicros, withMicros }) => verificationMicros > 0 && withMicros !== 0))
  })

  it('measures starts and memory', async () => {
    const { figures } = (await figuresOf('start.ts', '--only', 'limit,pawl')) as { figures: { readyMs: number }[] }
    assert.equal(figures.length, 2)
    assert.ok(figures.every(figure => figure.readyMs > 0))
  })

  it('finds one row and the same bytes after many refreshes as after one', async () => {
    const { figures } = (await figuresOf('generations.ts', '--only', 'pawl,pawl-pg')) as {
      figures: { rowsBefore: number; rowsAfter: number; rowBytesBefore: number; rowBytesAfter: number }[]
    }
    assert.equal(figures.length, 2)
    for (const held of figures) {
      assert.equal(held.rowsAfter, held.rowsBefore)
      assert.equal(held.rowBytesAfter, held.rowBytesBefore)
    }
  })

  it('measures small and large tables', async () => {
    const names = 'limit,pawl,limit-pg,pawl-pg'
    const { sizes } = (await figuresOf('families.ts', '--only', names, '--walked', '50')) as {
      sizes: { families: number; laps: unknown[] }[]
    }
    assert.deepEqual(
      sizes.map(size => size.families),
      [100, 1000],
    )
    assert.ok(sizes.every(size => size.laps.length === 4))
  })

  it('measures the parts', async () => {
    const { figures } = (await figuresOf('micro.ts')) as { figures: { part: string; micros: number }[] }
    assert.ok(figures.length > 10 && figures.every(figure => figure.micros > 0))
  })

  it('measures an API that verifies tokens', async () => {
    const { compared } = (await figuresOf('verify.ts')) as { compared: { who: string; ratio: number }[] }
    assert.deepEqual(
      compared.slice(0, 3).map(row => row.who),
      ['jose', 'guard', 'guard of a Request'],
    )
    assert.ok(compared.every(row => row.ratio > 0))
  })

  it('refuses flags that make no sense', async () => {
    for (const flag of ['--connections=0', '--only=nobody', '--seconds=-1', '--flushes=never', '--unknown']) {
      await assert.rejects(figuresOf('refresh.ts', flag), /takes whole|knows|above 0|Unknown option/)
    }
    await assert.rejects(run('run.ts', 'nothing'), /There is no nothing/)
  })
})

async function pageOf(name: string, figures: object): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-page-'))
  try {
    writeFileSync(join(directory, `${name}.json`), JSON.stringify(figures))
    await run('page.ts', directory, join(directory, 'page.md'))
    return readFileSync(join(directory, 'page.md'), 'utf8')
  } finally {
    rmSync(directory, { recursive: true })
  }
}
