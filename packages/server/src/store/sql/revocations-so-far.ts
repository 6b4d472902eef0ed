/** Part of a migration, and never edited: what was revoked in the two hours before there was a line of revocations. */
export const revocationsSoFar = `INSERT INTO revocations (kind, target_key, at_ms, until_ms)
SELECT kind, target_key, at_ms, set_at_ms + 7200000 FROM cut_offs
WHERE set_at_ms > (SELECT high_ms FROM store_clock WHERE id = 1) - 7200000;
INSERT INTO revocations (kind, target_key, at_ms, until_ms)
SELECT 'family', family_id, MAX(at_ms), MAX(at_ms) + 7200000 FROM events
WHERE at_ms > (SELECT high_ms FROM store_clock WHERE id = 1) - 7200000
AND kind IN ('family_ended', 'token_reused') AND family_id IS NOT NULL GROUP BY family_id;
INSERT INTO revocations (kind, target_key, at_ms, until_ms)
SELECT 'token', id, expires_ms, expires_ms + 600000 FROM denied_access_tokens;
`
