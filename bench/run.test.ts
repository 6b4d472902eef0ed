import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

async function figuresOf(program: string, ...args: string[]): Promise<Record<string, unknown>> {
  const script = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await run(process.execPath, [script, '--quick', '--json', ...args], { timeout: 120_000 })
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('the bench', () => {
  it('rides every contender at every number of connections and compares them', async () => {
    const { medians, ratios, disks } = (await figuresOf('run.ts')) as {
      medians: { contender: string; connections: number; rotationsPerSecond: number }[]
      ratios: { contender: string; against: string; rotationsPerSecond: number }[]
      disks: { contender: string; rotations: number }[]
    }
    const names = ['limit', 'oidc-provider', 'oidc-provider-plain', 'pawl']
    for (const connections of [1, 16]) {
      const here = medians.filter(row => row.connections === connections)
      assert.deepEqual(here.map(row => row.contender).toSorted(), names)
    }
    assert.ok(medians.every(row => row.rotationsPerSecond > 0))
    assert.ok(ratios.some(row => row.contender === 'pawl' && row.against === 'limit' && row.rotationsPerSecond > 0))
    assert.ok(disks.every(row => row.rotations > 0))
  })

  it('finds one row and the same bytes after many refreshes as after one', async () => {
    const { figures } = (await figuresOf('generations.ts', '--only', 'pawl')) as {
      figures: { rowsBefore: number; rowsAfter: number; rowBytesBefore: number; rowBytesAfter: number }[]
    }
    const [pawl] = figures
    assert.equal(pawl?.rowsAfter, pawl?.rowsBefore)
    assert.equal(pawl?.rowBytesAfter, pawl?.rowBytesBefore)
  })

  it('measures small and large tables', async () => {
    const { sizes } = (await figuresOf('families.ts')) as { sizes: { families: number; laps: unknown[] }[] }
    assert.deepEqual(
      sizes.map(size => size.families),
      [100, 1000],
    )
    assert.ok(sizes.every(size => size.laps.length === 2))
  })

  it('measures the parts', async () => {
    const { figures } = (await figuresOf('micro.ts')) as { figures: { part: string; micros: number }[] }
    assert.ok(figures.length > 10 && figures.every(figure => figure.micros > 0))
  })

  it('refuses flags that make no sense', async () => {
    for (const flag of ['--connections=0', '--only=nobody', '--seconds=-1', '--unknown']) {
      await assert.rejects(figuresOf('run.ts', flag), /takes whole|knows|above 0|Unknown option/)
    }
  })
})
