/** For whom the primary waits with its commits, and that it does. */

import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../postgres/query.ts'
import type { Database } from './database.ts'

const pollMs = 20
const soonMs = 120_000

export async function someCommitWaits({ primaryUrl }: Database): Promise<void> {
  const deadline = performance.now() + soonMs
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pawl' AND wait_event = 'SyncRep'"
  while ((await ask(primaryUrl(), waiting)).length === 0) {
    if (performance.now() > deadline) throw new Error('no COMMIT waits for the standby')
    await pause(pollMs)
  }
}

export async function standbyNames({ primaryUrl }: Database): Promise<string> {
  const [row] = await ask(primaryUrl(), 'SHOW synchronous_standby_names')
  return String(row?.['synchronous_standby_names'])
}

export async function setStandbyNames({ primaryUrl }: Database, names: string): Promise<void> {
  await ask(primaryUrl(), `ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
  await ask(primaryUrl(), 'SELECT pg_reload_conf()')
}
