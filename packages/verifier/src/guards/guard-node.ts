import type { ApiGuard } from '../guard-api.ts'
import type { Requirement } from '../tokens/requirement.ts'
import type { Access } from '../verdict.ts'
import { type NodeRequest, type NodeResponse, presentedByNode, refuseOnNode } from './node.ts'

/** For `node:http`: the access of the caller, or null for one who has been refused and answered already. */
export async function guardNode(
  guard: Pick<ApiGuard, 'verify'>,
  request: NodeRequest,
  response: NodeResponse,
  requirement: Requirement = {},
): Promise<Access | null> {
  const verdict = await guard.verify(presentedByNode(request), requirement)
  if (verdict.granted) return verdict
  refuseOnNode(response, verdict)
  return null
}
