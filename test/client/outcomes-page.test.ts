import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { outcomesPage, outcomesPath } from '../../tools/outcomes.ts'

describe('docs/outcomes.md', () => {
  it('says of every client, server and trouble what comes out now', async () => {
    assert.equal(await readFile(outcomesPath, 'utf8'), await outcomesPage(), 'run `node tools/outcomes.ts`')
  })
})
