/** The notice that goes with a cut-off, written in its transaction: one row for each target, renewed where it is there. */

import { type CutOff, cutOffKey } from '../../domain/cut-off/cut-off.ts'
import type { Statement } from './sql.ts'

/** Nothing for a cut-off that ends no session. */
export function noticeStatements({ target, reason }: CutOff): readonly Statement[] {
  switch (target.kind) {
    case 'everyone':
    case 'user':
    case 'session':
    case 'logout':
      return [{ text: noticeText, params: [target.kind, cutOffKey(target), reason] }]
    case 'client':
    case 'grant':
    case 'consent':
      return []
  }
}

/** Behind the cut-off itself, whose statements set the time it is about. A renewed one begins at the first family again. */
const noticeText = `INSERT INTO notices (kind, target_key, reason, at_ms, after_family, version)
VALUES ($1, $2, $3, (SELECT set_at_ms FROM cut_offs WHERE kind = $1 AND target_key = $2), NULL, 1)
ON CONFLICT (kind, target_key) DO UPDATE SET reason = excluded.reason, at_ms = excluded.at_ms, after_family = NULL,
version = notices.version + 1`
