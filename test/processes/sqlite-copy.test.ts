/** What a copy of the database file, taken under a crash, knows. */

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { revokedScene } from './revoked.ts'
import { emptyDirectory, startServer } from './server-process.ts'

describe('what was revoked', () => {
  it('RT-31 stays so in a copy of the files after a crash', async test => {
    const { data, before, first, statuses } = await revokedScene(test)
    await first.kill()
    const copy = join(await emptyDirectory(test), 'copy')
    cpSync(data, copy, { recursive: true })
    assert.deepEqual(await statuses(await startServer(test, { data: copy })), before)
    assert.deepEqual(await statuses(await startServer(test, { data })), before)
  })
})
