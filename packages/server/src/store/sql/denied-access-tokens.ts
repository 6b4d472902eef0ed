/** Access tokens revoked one by one; the sweep takes the rows once the tokens would have run out anyway. */

import { revocationSlackSeconds } from '../../domain/revocation/revocation-store.ts'
import type { DeniedAccessTokenStore } from '../../domain/token/denied-access-tokens.ts'
import { revokedToken } from './revocation-statements.ts'
import { always, type Sql } from './sql.ts'

export function sqlDeniedAccessTokens(sql: Sql): DeniedAccessTokenStore {
  return {
    deny: async (tokenId, expiresAtMs) => {
      const untilMs = expiresAtMs + revocationSlackSeconds * 1000
      const told = revokedToken(tokenId, expiresAtMs, untilMs)
      await sql.write(always([{ text: denyText, params: [tokenId, expiresAtMs] }, told]))
    },
    isDenied: async tokenId => {
      const rows = await sql.read({ text: 'SELECT 1 FROM denied_access_tokens WHERE id = $1', params: [tokenId] })
      return rows.length > 0
    },
  }
}

const denyText = `INSERT INTO denied_access_tokens (id, expires_ms) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET
expires_ms = excluded.expires_ms WHERE denied_access_tokens.expires_ms < excluded.expires_ms`
