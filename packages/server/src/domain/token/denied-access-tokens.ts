/** Access tokens that were revoked one by one. A row lives as long as the token would have. */

export interface DeniedAccessTokenStore {
  deny(tokenId: string, expiresAtMs: number): Promise<void>
  isDenied(tokenId: string): Promise<boolean>
}
