/** One entry of an ACL, as `aclexplode` gives it; a null grantee is PUBLIC. */
export interface AclFacts {
  grantor: string;
  grantee: string | null;
  privilege: string;
  grantable: boolean;
  /** Whether the session's role may become the grantor and the grantor can reach the schema. */
  grantor_settable: boolean;
}
