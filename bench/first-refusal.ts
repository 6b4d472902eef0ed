/**
 * `node bench/first-refusal.ts`: how long after a revocation an API still takes the token. Two servers share a database; the API
 * follows the feed of one with `@pawl/verifier`, and every millisecond asks its guard about a token that is revoked
 * elsewhere: by an operator's process on the database, by the client at the other server, and, for some, by the command
 * itself. The clock starts when the revocation is asked for; for the command when it has ended, for a process takes its
 * time to start. The aim: p99 under a second. `--families` is the number of trials.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { type ApiGuard, clientSecret, guardApi, type Presented } from '@pawl/verifier'
import { carryOut, planRevocation } from '../packages/server/src/admin/revoke.ts'
import { familyIdIn } from '../test/processes/inside-token.ts'
import { appOf, browserOf, type Office, openOffice } from '../test/processes/registered.ts'
import { pawlJson, startServer } from '../test/processes/server-process.ts'
import { stablePort } from '../test/processes/stable-port.ts'
import type { App, Tokens } from '../test/stage/app.ts'
import type { Browser } from '../test/stage/browser.ts'
import { type Lifetime, openLifetime } from '../test/stage/lifetime.ts'
import { describeMachine } from './measure/machine.ts'
import { percentile } from './measure/statistics.ts'
import { type Options, parseOptions } from './options.ts'
import { machineLines, publish, table } from './report.ts'

type Way = 'operator' | 'client' | 'command'

interface Figures {
  readonly way: Way
  readonly trials: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

interface Ground {
  readonly data: string
  readonly office: Office
  readonly guard: ApiGuard
  /** At the server that the API does not follow. */
  readonly app: App
  readonly browser: Browser
}

/** One trial of so many runs the command: it takes longer than all else together. */
const commandEvery = 50
const apiUrl = 'https://api.example'
const defaults = {
  only: [],
  connections: [1],
  seconds: 1,
  warmUpSeconds: 1,
  settleSeconds: 1,
  rounds: 1,
  families: [1000],
  flushes: [],
} as const
const quick = { families: [8] }

const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const lifetime = openLifetime()
try {
  const trials = await measure(await openGround(lifetime, options), Math.max(...options.families))
  const figures = [...Map.groupBy(trials, trial => trial.way)].map(([way, own]) => figuresOf(way, own))
  publish(options, { kind: 'first-refusal', machine, options, figures, trials }, [
    machineLines(machine),
    table(
      ['revoked by', '', 'trials', 'p50 ms', 'p99 ms', 'max ms'],
      figures.map(({ way, trials: count, p50Ms, p99Ms, maxMs }) => [
        way,
        '',
        String(count),
        ...[p50Ms, p99Ms, maxMs].map(value => value.toFixed(1)),
      ]),
    ),
  ])
} finally {
  await lifetime.end()
}

interface Trial {
  readonly way: Way
  readonly ms: number
}

async function openGround(whole: Lifetime, { directory }: Options): Promise<Ground> {
  const data = mkdtempSync(join(directory, 'pawl-bench-'))
  whole.after(() => rmSync(data, { recursive: true, force: true }))
  const office = await openOffice(whole, data)
  await office.addUser()
  const shop = await office.addClient({ id: 'shop', kind: 'web', firstParty: true })
  const api = await office.addClient({ id: 'api', kind: 'service', redirectUris: [], audiences: [apiUrl] })
  const followed = await startServer(whole, { data, port: await stablePort() })
  const flags = ['--issuer', followed.issuer]
  const other = await startServer(whole, { data, port: await stablePort(), flags })
  const credentials = clientSecret('api', api.secret ?? '')
  const guard = guardApi({ issuer: followed.issuer, audience: apiUrl, credentials, follow: 'feed' })
  whole.after(() => guard.close())
  return { data, office, guard, app: appOf(other, shop), browser: browserOf(other) }
}

async function measure(ground: Ground, count: number): Promise<Trial[]> {
  const trials: Trial[] = []
  for (let at = 0; at < count; at++) {
    const way = at % commandEvery === 0 ? 'command' : at % 2 === 0 ? 'operator' : 'client'
    trials.push({ way, ms: await timed(ground, way) })
    if (at % 100 === 99) process.stderr.write(`${at + 1} trials\n`)
  }
  return trials
}

async function timed(ground: Ground, way: Way): Promise<number> {
  const { app, browser, guard } = ground
  const tokens = await app.redeem(await app.authorize(browser, { resource: apiUrl }))
  const authorization = `Bearer ${tokens.accessToken}`
  const presented: Presented = { method: 'GET', url: '/files', authorization, dpop: null }
  const taken = await guard.verify(presented)
  if (!taken.granted) throw new Error(`a new token is refused: ${taken.reason}`)
  if (way === 'command') await revoke(ground, way, tokens)
  const fromMs = performance.now()
  const revoking = way === 'command' ? null : revoke(ground, way, tokens)
  while ((await guard.verify(presented)).granted) await after(1)
  const ms = performance.now() - fromMs
  await revoking
  return ms
}

async function revoke({ data, office, app }: Ground, way: Way, tokens: Tokens): Promise<void> {
  const family = familyIdIn(tokens.refreshToken)
  switch (way) {
    case 'client':
      await app.revoke(tokens.refreshToken)
      return
    case 'operator':
      await carryOut(office.workbench, await planRevocation(office.workbench, { family }))
      return
    case 'command':
      await pawlJson(['revoke', '--family', family, '--yes', '--data', data])
  }
}

function figuresOf(way: Way, trials: readonly Trial[]): Figures {
  const sorted = trials.map(trial => trial.ms).toSorted((one, other) => one - other)
  return {
    way,
    trials: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
  }
}
