/** The programs whose figures no test asserts still run and say what they are for. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const hangsAfterMs = 800_000
const outputBytesMax = 64 * 1_048_576

async function figuresOf(program: string, ...words: string[]): Promise<Record<string, unknown>> {
  const script = fileURLToPath(new URL(program, import.meta.url))
  const limits = { timeout: hangsAfterMs, maxBuffer: outputBytesMax }
  const { stdout } = await run(process.execPath, [script, ...words], limits)
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('the flood', () => {
  it('is measured beside none, and refreshes are answered through it', async () => {
    const { figures } = (await figuresOf('flood.ts', '--quick')) as { figures: { flood: string; p99Ms: number }[] }
    assert.deepEqual(
      figures.map(({ flood }) => flood),
      ['none', 'refused unread', 'of passwords', 'none, again'],
    )
    assert.ok(figures.every(({ p99Ms }) => p99Ms > 0))
  })
})

describe('the oracles', () => {
  it('are measured in pairs', async () => {
    const { gaps } = (await figuresOf('oracles.ts', '--quick')) as { gaps: { oracle: string; gapMicros: number }[] }
    const counts = Object.groupBy(gaps, ({ oracle }) => oracle)
    assert.equal(counts['refresh token']?.length, 6)
    assert.equal(counts['client secret']?.length, 6)
    assert.equal(counts['sign-in']?.length, 1)
    assert.ok(gaps.every(({ gapMicros }) => gapMicros >= 0))
  })
})

describe('the year', () => {
  it('is lived, counted every week and found within its bounds', async () => {
    // As many as the store contract lives it with: with a few dozen alive, one batch of openings is a large part of them.
    const { weeks, fault } = (await figuresOf('year.ts', '--families', '20000')) as { weeks: unknown[]; fault: unknown }
    assert.equal(weeks.length, 50)
    assert.equal(fault, null)
  })
})
