/** A program that takes its custody key out of the keystore of the system, and says in one line of JSON how that went. */

import { CustodyKeyUnavailable } from '../../packages/client/src/keys/custody-key-unavailable.ts'
import { keystoreCustodyKey } from '../../packages/client/src/keys/keystore.ts'

/** The retry key of a fixed credential tells keys apart without showing them. */
export type Told = { readonly retryKey: string } | { readonly reason: string; readonly message: string }

const [, , service = '', directory = '', seconds = ''] = process.argv
process.stdout.write(JSON.stringify(await asked()))

async function asked(): Promise<Told> {
  try {
    const key = await keystoreCustodyKey({
      service,
      directory,
      ...(seconds === '' ? {} : { seconds: Number(seconds) }),
    })
    return { retryKey: await key.retryKeyFor('credential') }
  } catch (error) {
    if (error instanceof CustodyKeyUnavailable) return { reason: error.reason, message: error.message }
    throw error
  }
}
