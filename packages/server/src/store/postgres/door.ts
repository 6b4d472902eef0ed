/** What is wrong where a server answers and lets nobody in, or is not who it should be: sentences that say what to change. */

import { StoreRefused } from '../../domain/store.ts'
import { codeOf } from './postgres-error.ts'

const refusedAtTheDoor: { readonly [code: string]: string } = {
  '28000': 'PostgreSQL does not let this user in: see its pg_hba.conf, and the user in the database URL.',
  '28P01':
    'PostgreSQL does not take this password: set it in the database URL, in PGPASSWORD or in the file PGPASSFILE names.',
  '3D000': 'PostgreSQL has no database of that name: make it with createdb, or correct the database URL.',
}

/** Null where what went wrong may be over in a moment. */
export function refusalOf(error: unknown): StoreRefused | null {
  const sentence = refusedAtTheDoor[codeOf(error) ?? ''] ?? encryptionSentence(error)
  return sentence === null ? null : new StoreRefused(sentence)
}

/** As OpenSSL and Node name what is wrong with a certificate. */
const certificateCodes = /^(?:ERR_TLS_CERT|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(?:GET|VERIFY|DECODE)_|HOSTNAME_)/
/** The driver has no code for it. */
const withoutTls = 'The server does not support SSL connections'

function encryptionSentence(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if (error.message === withoutTls) {
    return 'The database server takes no encrypted connection: set ssl = on there, or say sslmode=disable in the database URL where the network between is yours alone.'
  }
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (syscall === 'open' && path !== undefined) {
    return `The file ${path} that the database URL names cannot be read (${code ?? syscall}): correct its path or its permissions.`
  }
  if (code === undefined || !certificateCodes.test(code)) return null
  return `The database server does not prove that it is the one the URL names (${code}): name the authority of its certificate with sslrootcert=FILE, and the server as its certificate does.`
}
