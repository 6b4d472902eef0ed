/** Two servers on one database, with clients that refresh at both until somebody ends what they hold. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { App, Tokens } from '../stage/app.ts'
import { type Holder, present, signedInHolders } from './holders.ts'
import { appOf, openOffice, type Office } from './registered.ts'
import { dataDirectory, type ServerProcess, startServer } from './server-process.ts'
import { stablePort } from './stable-port.ts'

export const sharedIssuer = 'http://localhost:7295'

/** Any number of servers on one database. */
export interface Servers {
  readonly servers: readonly ServerProcess[]
}

export interface TwoServers extends Servers {
  readonly data: string
  readonly office: Office
  readonly servers: readonly [ServerProcess, ServerProcess]
}

export async function twoServers(test: TestContext): Promise<TwoServers> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  return { data, office, servers: [await startShared(test, data), await startShared(test, data)] }
}

/** One more server on the same database, by the same name. */
export async function startShared(test: TestContext, data: string): Promise<ServerProcess> {
  return startServer(test, { data, port: await stablePort(), flags: ['--issuer', sharedIssuer] })
}

export interface Ended {
  readonly holder: Holder
  /** What the holder was told last, while it was still told anything. */
  readonly last: Tokens | null
  readonly refusal: Tokens
}

/**
 * Lets every holder refresh, now here and now there, while `end` runs to its acknowledgement. Answers how each was
 * refused. Fails where a refresh that began after the acknowledgement got a token (I3), or where one was refused before
 * `end` began.
 */
export async function refreshUntilEnded(
  scene: Servers,
  holders: readonly Holder[],
  end: () => Promise<unknown>,
): Promise<readonly Ended[]> {
  let isAcknowledged = false
  let begin: () => void
  const warm = new Promise<void>(resolve => {
    begin = resolve
  })
  let answered = 0
  const live = async (holder: Holder): Promise<Ended> => {
    let last: Tokens | null = null
    for (let turn = 0; ; turn++) {
      const beganAfter = isAcknowledged
      const answer = await present(holder, appAt(scene, holder, turn))
      answered += 1
      if (answered > holders.length * warmRounds) begin()
      if (answer.status !== 200) return { holder, last, refusal: answer }
      assert.ok(!beganAfter, `${holder.name} got a token after the acknowledgement`)
      holder.token = answer.refreshToken
      last = answer
    }
  }
  const ending = warm.then(end).then(() => {
    isAcknowledged = true
  })
  const ended = await Promise.all(holders.map(live))
  await ending
  return ended
}

/** So many refreshes each before anything is ended: the load is there, and nobody was refused without a reason. */
const warmRounds = 3

export function appAt({ servers }: Servers, holder: Holder, turn: number): App {
  return appOf(servers[turn % servers.length]!, holder.registered)
}

export function holdersAt(scene: TwoServers, perManner: number): Promise<Holder[]> {
  return signedInHolders(scene.office, scene.servers[0], perManner)
}
