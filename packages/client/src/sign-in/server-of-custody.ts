/** The metadata of a custody's server as the sign-in helpers ask for it: fetched once, however many sign-ins there are. */

import type { AuthorizationServer } from 'oauth4webapi'
import type { Custody } from '../holder/holder.ts'
import { serverOf } from '../holder/server.ts'
import { SignInFailed } from './failures.ts'

const servers = new WeakMap<Custody, () => Promise<AuthorizationServer>>()

/** Rejects with `SignInFailed` (`unanswered`) while the server was never reached. */
export async function metadataFor(custody: Custody): Promise<AuthorizationServer> {
  let ask = servers.get(custody)
  if (ask === undefined) {
    ask = serverOf(custody)
    servers.set(custody, ask)
  }
  try {
    return await ask()
  } catch (cause) {
    throw new SignInFailed('unanswered', 'the metadata of the server could not be had', { cause })
  }
}

/** Whether the metadata list this value; where they say nothing of it, null. */
export function lists(server: AuthorizationServer, member: string, value: string): boolean | null {
  const listed: unknown = server[member]
  return Array.isArray(listed) ? listed.includes(value) : null
}
