/** People who sign in, use what they got and end it again, each in their own way, and look whether it stays ended. */

import type { App, Authorization, Tokens } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../../packages/server/src/admin/revoke.ts'
import { StoreUnavailable } from '../../packages/server/src/domain/store.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf, browserOf } from '../processes/registered.ts'
import { runPawl } from '../processes/server-process.ts'
import { type Outside, someNode, unlessUnknown, untilTold } from './patience.ts'
import type { EndingKind } from './record.ts'

export interface Leaver {
  readonly kind: EndingKind
  readonly email: string
  readonly registered: ClientWithSecret
  readonly browser: Browser
}

/** Somebody with an account and an application of their own: what they end is nobody else's. */
export async function newLeaver(kind: EndingKind, outside: Outside): Promise<Leaver> {
  const { office } = outside.fleet
  const email = `${kind}@example.com`
  await office.addUser(email)
  const registered = await office.addClient({ id: `left-by-${kind}`, kind: 'web', firstParty: true })
  const browser = browserOf(someNode(outside))
  return { kind, email, registered, browser: { ...browser, signIn: page => browser.signIn(page, email) } }
}

const refreshesMax = 3

/** Signs in, refreshes, leaves, and tries to come back with what is over. */
export async function comeAndGo(leaver: Leaver, outside: Outside): Promise<void> {
  const { record, chance } = outside
  const app = appOf(someNode(outside), leaver.registered)
  const authorization = await untilTold(outside, () => app.authorize(leaver.browser))
  if (authorization === null) return
  // A code is good for one answer: where that is lost, the person signs in again.
  const redeemed = await unlessUnknown(() => redeem(app, authorization, outside))
  if (redeemed === null) return
  let { refreshToken, accessToken } = redeemed
  for (let left = chance.below(refreshesMax); left > 0; left--) {
    const next = await untilTold(outside, () => refresh(app, refreshToken, outside))
    if (next === null) return
    ;({ refreshToken, accessToken } = next)
  }
  if ((await untilTold(outside, () => end(leaver, app, refreshToken, outside))) === null) return
  record.ended({ ...leaver, refreshToken, familyId: familyIdIn(refreshToken) })
  await untilTold(outside, () => staysOut(leaver, { app, refreshToken, accessToken }, outside))
}

async function redeem(app: App, authorization: Authorization, outside: Outside): Promise<Tokens | null> {
  return told(authorization.code, await app.redeem(authorization), outside)
}

async function refresh(app: App, refreshToken: string, outside: Outside): Promise<Tokens | null> {
  return told(refreshToken, await app.refresh(refreshToken), outside)
}

function told(presented: string, answer: Tokens, { record }: Outside): Tokens | null {
  if (answer.status === 200) record.moved(presented, answer.refreshToken)
  else record.violated(`what was acknowledged is refused: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.status === 200 ? answer : null
}

/** True once it is acknowledged that everything is over. */
async function end(leaver: Leaver, app: App, refreshToken: string, outside: Outside): Promise<true> {
  switch (leaver.kind) {
    case 'token': {
      const { status } = await app.revoke(refreshToken)
      if (status !== 200) throw new Error(`a revocation was answered with ${status}`)
      return true
    }
    case 'family':
      return operate({ family: familyIdIn(refreshToken) }, outside)
    case 'user':
      return operate({ user: leaver.email }, outside)
    case 'client':
      return operate({ client: leaver.registered.client.id }, outside)
    case 'command':
      return command(['revoke', '--family', familyIdIn(refreshToken), '--yes'], outside)
  }
}

/** What the command does, without the time a process takes to start. */
async function operate(input: RevocationInput, { fleet, record }: Outside): Promise<true> {
  const { workbench } = fleet.office
  try {
    await carryOut(workbench, await planRevocation(workbench, input))
  } catch (error) {
    if (error instanceof StoreUnavailable) return record.unknown('the operator was told nothing')
    throw error
  }
  return true
}

/** Where it is told at its start that an acknowledgement would be worth nothing, or that no primary is there. */
const toldNothing = [3, 4]

async function command(words: readonly string[], { fleet, record }: Outside): Promise<true> {
  const { data, environment } = fleet
  const { code, stderr } = await runPawl([...words, '--data', data], { environment })
  if (code !== null && toldNothing.includes(code)) return record.unknown('the command was told nothing')
  if (code !== 0) throw new Error(`the command ended with ${code}: ${stderr}`)
  return true
}

export interface Left {
  readonly app: App
  readonly refreshToken: string
  readonly accessToken: string
}

/** Looks at any node whether the end is in force (I3). True, or a violation. */
async function staysOut(leaver: Leaver, { app, refreshToken, accessToken }: Left, outside: Outside): Promise<true> {
  const again = await app.refresh(refreshToken)
  if (again.status !== 400 || again.body['error'] !== 'invalid_grant') {
    outside.record.violated(`ended by ${leaver.kind}, and the token is answered with ${again.status}`)
  }
  const { status } = await app.userinfo(accessToken)
  if (status !== 401)
    outside.record.violated(`ended by ${leaver.kind}, and the access token is answered with ${status}`)
  return true
}
