/**
 * The process that asks the keystore: one question on the standard input, one answer on the standard output, both JSON. On
 * Linux it speaks to the Secret Service and to nothing else: the keyring of the kernel forgets at the next start.
 */

import process from 'node:process'
import { json } from 'node:stream/consumers'

export interface KeyringQuestion {
  readonly verb: 'read' | 'write' | 'remove'
  readonly service: string
  readonly account: string
  readonly secret?: string
}

export type KeyringAnswer =
  | { readonly kind: 'done'; readonly secret: string | null }
  | { readonly kind: 'refused' | 'not-installed'; readonly message: string }

/** As far as it is used here. */
interface KeyringModule {
  readonly Entry: new (
    service: string,
    account: string,
    options: { linux: { store: 'secret-service' } },
  ) => KeyringEntry
}

interface KeyringEntry {
  getPassword(): string | null
  setPassword(secret: string): void
  deleteCredential(): boolean
}

const answer = await answerTo((await json(process.stdin)) as KeyringQuestion)
process.stdout.write(JSON.stringify(answer))

async function answerTo({ verb, service, account, secret = '' }: KeyringQuestion): Promise<KeyringAnswer> {
  let keyring: KeyringModule
  try {
    keyring = await import('@napi-rs/keyring')
  } catch (error) {
    return { kind: 'not-installed', message: messageOf(error) }
  }
  try {
    const entry = new keyring.Entry(service, account, { linux: { store: 'secret-service' } })
    if (verb === 'write') entry.setPassword(secret)
    if (verb === 'remove') entry.deleteCredential()
    return { kind: 'done', secret: verb === 'read' ? entry.getPassword() : null }
  } catch (error) {
    return { kind: 'refused', message: messageOf(error) }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
