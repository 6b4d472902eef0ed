/**
 * One of several processes that find the locks and leases of a dead one at the same time (`file-crashes.test.ts`). It says
 * when it is ready, waits for a word, and then moves each counter on by one and asks for each lease once.
 */

import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { fileStore } from '@pawl/client/file'
import { newVersion } from '../../packages/client/src/testing/custody-scene.ts'

export interface Contest {
  readonly directory: string
  readonly counters: readonly string[]
  readonly leases: readonly string[]
}

async function contend({ directory, counters, leases }: Contest): Promise<void> {
  const store = fileStore(directory)
  writeSync(1, 'ready\n')
  await once(process.stdin, 'data')
  for (const name of counters) {
    for (;;) {
      const kept = await store.load(name)
      const next = { version: newVersion(), sealed: String(Number(kept?.sealed ?? 0) + 1) }
      if ((await store.save(name, next, kept?.version ?? null)) === 'saved') break
    }
  }
  for (const name of leases) {
    // Never given back: whoever has it must be the only one who ever had.
    if ((await store.lease(name, 3600)) !== null) writeSync(1, `leased ${name}\n`)
  }
  writeSync(1, 'done\n')
  // It lives until all have asked: a lease of the dead is anybody's.
  await once(process.stdin, 'end')
}

const [, , task] = process.argv
if (task !== undefined) await contend(JSON.parse(task) as Contest)
