export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "public": {
    Tables: {
      "doc_types": {
        Row: {
          "code": string;
          "id": number;
          "label": string;
          "retention_days": number | null;
        };
        ComputedFields: never;
        Insert: {
          "code": string;
          "id"?: never;
          "label": string;
          "retention_days"?: number | null;
        };
        Update: {
          "code"?: string;
          "id"?: never;
          "label"?: string;
          "retention_days"?: number | null;
        };
        Relationships: [];
      };
      "expert_profiles": {
        Row: {
          "headline": string;
          "hourly_rate": number;
          "id": number;
          "languages": (string)[];
          "mentor_id": number | null;
          "profile_id": string;
          "status": Database["public"]["Enums"]["expert_status"];
        };
        ComputedFields: never;
        Insert: {
          "headline": string;
          "hourly_rate": number;
          "id"?: never;
          "languages"?: (string)[];
          "mentor_id"?: number | null;
          "profile_id": string;
          "status"?: Database["public"]["Enums"]["expert_status"];
        };
        Update: {
          "headline"?: string;
          "hourly_rate"?: number;
          "id"?: never;
          "languages"?: (string)[];
          "mentor_id"?: number | null;
          "profile_id"?: string;
          "status"?: Database["public"]["Enums"]["expert_status"];
        };
        Relationships: [
          {
            foreignKeyName: "experts_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "experts_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "experts_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "experts_profile_id_fkey";
            columns: ["profile_id"];
            isOneToOne: true;
            referencedRelation: "profiles";
            referencedColumns: ["id"];
          },
        ];
      };
      "expert_subjects": {
        Row: {
          "expert_id": number;
          "level": number;
          "topic_id": number;
        };
        ComputedFields: never;
        Insert: {
          "expert_id": number;
          "level": number;
          "topic_id": number;
        };
        Update: {
          "expert_id"?: number;
          "level"?: number;
          "topic_id"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_topic_id_fkey";
            columns: ["topic_id"];
            isOneToOne: false;
            referencedRelation: "topics";
            referencedColumns: ["id"];
          },
        ];
      };
      "flyers": {
        Row: {
          "id": number;
          "text": string;
        };
        ComputedFields: never;
        Insert: {
          "id"?: never;
          "text": string;
        };
        Update: {
          "id"?: never;
          "text"?: string;
        };
        Relationships: [];
      };
      "messages": {
        Row: {
          "id": number;
          "sender": string;
          "text": string;
          "shout": string | null;
        };
        ComputedFields: "shout";
        Insert: {
          "id"?: never;
          "sender": string;
          "text": string;
        };
        Update: {
          "id"?: never;
          "sender"?: string;
          "text"?: string;
        };
        Relationships: [];
      };
      "notes": {
        Row: {
          "id": number;
          "text": string;
        };
        ComputedFields: never;
        Insert: {
          "id"?: never;
          "text": string;
        };
        Update: {
          "id"?: never;
          "text"?: string;
        };
        Relationships: [];
      };
      "profiles": {
        Row: {
          "id": string;
          "locale": string;
          "name": string;
          "settings": NonNullable<Json>;
        };
        ComputedFields: never;
        Insert: {
          "id"?: string;
          "locale"?: string;
          "name": string;
          "settings"?: NonNullable<Json>;
        };
        Update: {
          "id"?: string;
          "locale"?: string;
          "name"?: string;
          "settings"?: NonNullable<Json>;
        };
        Relationships: [];
      };
      "sys_table_migration_events": {
        Row: {
          "actor": string;
          "batch_id": string | null;
          "details": NonNullable<Json>;
          "id": number;
          "lock_attempts": number;
          "lock_held_ms": number;
          "lock_waited_ms": number;
          "migration_ids": (string)[];
          "occurred_at": string;
          "operation": string;
          "outcome": string;
          "problem_code": string | null;
          "request_id": string;
        };
        ComputedFields: never;
        Insert: {
          "actor": string;
          "batch_id"?: string | null;
          "details"?: NonNullable<Json>;
          "id"?: never;
          "lock_attempts"?: number;
          "lock_held_ms"?: number;
          "lock_waited_ms"?: number;
          "migration_ids"?: (string)[];
          "occurred_at"?: string;
          "operation": string;
          "outcome": string;
          "problem_code"?: string | null;
          "request_id": string;
        };
        Update: {
          "actor"?: string;
          "batch_id"?: string | null;
          "details"?: NonNullable<Json>;
          "id"?: never;
          "lock_attempts"?: number;
          "lock_held_ms"?: number;
          "lock_waited_ms"?: number;
          "migration_ids"?: (string)[];
          "occurred_at"?: string;
          "operation"?: string;
          "outcome"?: string;
          "problem_code"?: string | null;
          "request_id"?: string;
        };
        Relationships: [];
      };
      "sys_table_migration_requests": {
        Row: {
          "actor": string;
          "body_hash": string;
          "created_at": string;
          "finished_at": string | null;
          "idempotency_key": string;
          "operation": string;
          "response_body": Json | null;
          "response_status": number | null;
        };
        ComputedFields: never;
        Insert: {
          "actor": string;
          "body_hash": string;
          "created_at"?: string;
          "finished_at"?: string | null;
          "idempotency_key": string;
          "operation": string;
          "response_body"?: Json | null;
          "response_status"?: number | null;
        };
        Update: {
          "actor"?: string;
          "body_hash"?: string;
          "created_at"?: string;
          "finished_at"?: string | null;
          "idempotency_key"?: string;
          "operation"?: string;
          "response_body"?: Json | null;
          "response_status"?: number | null;
        };
        Relationships: [];
      };
      "sys_table_migrations": {
        Row: {
          "batch_id": string;
          "compatibility_view_created": boolean;
          "dependencies": NonNullable<Json>;
          "finalized_at": string | null;
          "finalized_by": string | null;
          "fingerprint": NonNullable<Json>;
          "id": string;
          "migrated_at": string | null;
          "migrated_by": string | null;
          "new_name": string;
          "notes": string | null;
          "old_name": string;
          "plan": NonNullable<Json>;
          "plan_hash": string;
          "requested_at": string;
          "requested_by": string;
          "rollback_at": string | null;
          "rollback_by": string | null;
          "schema_name": string;
          "status": string;
          "table_oid": number | null;
          "view_oid": number | null;
        };
        ComputedFields: never;
        Insert: {
          "batch_id": string;
          "compatibility_view_created"?: boolean;
          "dependencies"?: NonNullable<Json>;
          "finalized_at"?: string | null;
          "finalized_by"?: string | null;
          "fingerprint"?: NonNullable<Json>;
          "id"?: string;
          "migrated_at"?: string | null;
          "migrated_by"?: string | null;
          "new_name": string;
          "notes"?: string | null;
          "old_name": string;
          "plan"?: NonNullable<Json>;
          "plan_hash": string;
          "requested_at"?: string;
          "requested_by": string;
          "rollback_at"?: string | null;
          "rollback_by"?: string | null;
          "schema_name": string;
          "status"?: string;
          "table_oid"?: number | null;
          "view_oid"?: number | null;
        };
        Update: {
          "batch_id"?: string;
          "compatibility_view_created"?: boolean;
          "dependencies"?: NonNullable<Json>;
          "finalized_at"?: string | null;
          "finalized_by"?: string | null;
          "fingerprint"?: NonNullable<Json>;
          "id"?: string;
          "migrated_at"?: string | null;
          "migrated_by"?: string | null;
          "new_name"?: string;
          "notes"?: string | null;
          "old_name"?: string;
          "plan"?: NonNullable<Json>;
          "plan_hash"?: string;
          "requested_at"?: string;
          "requested_by"?: string;
          "rollback_at"?: string | null;
          "rollback_by"?: string | null;
          "schema_name"?: string;
          "status"?: string;
          "table_oid"?: number | null;
          "view_oid"?: number | null;
        };
        Relationships: [];
      };
      "topics": {
        Row: {
          "id": number;
          "label": string;
        };
        ComputedFields: never;
        Insert: {
          "id"?: never;
          "label": string;
        };
        Update: {
          "id"?: never;
          "label"?: string;
        };
        Relationships: [];
      };
      "zz_documents": {
        Row: {
          "author_id": number;
          "body": string | null;
          "created_at": string;
          "id": number;
          "meta": Json | null;
          "reviewer_id": number | null;
          "title": string;
          "title_length": number | null;
          "type_id": number;
        };
        ComputedFields: never;
        Insert: {
          "author_id": number;
          "body"?: string | null;
          "created_at"?: string;
          "id"?: never;
          "meta"?: Json | null;
          "reviewer_id"?: number | null;
          "title": string;
          "title_length"?: never;
          "type_id": number;
        };
        Update: {
          "author_id"?: number;
          "body"?: string | null;
          "created_at"?: string;
          "id"?: never;
          "meta"?: Json | null;
          "reviewer_id"?: number | null;
          "title"?: string;
          "title_length"?: never;
          "type_id"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "documents_author_id_fkey";
            columns: ["author_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_author_id_fkey";
            columns: ["author_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_author_id_fkey";
            columns: ["author_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_reviewer_id_fkey";
            columns: ["reviewer_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_reviewer_id_fkey";
            columns: ["reviewer_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_reviewer_id_fkey";
            columns: ["reviewer_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_type_id_fkey";
            columns: ["type_id"];
            isOneToOne: false;
            referencedRelation: "doc_types";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_type_id_fkey";
            columns: ["type_id"];
            isOneToOne: false;
            referencedRelation: "document_types";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Views: {
      "document_types": {
        Row: {
          "code": string;
          "id": number;
          "label": string;
          "retention_days": number | null;
        };
        ComputedFields: never;
        Insert: {
          "code"?: string | null;
          "id"?: number | null;
          "label"?: string | null;
          "retention_days"?: number | null;
        };
        Update: {
          "code"?: string | null;
          "id"?: number | null;
          "label"?: string | null;
          "retention_days"?: number | null;
        };
        Relationships: [];
      };
      "documents": {
        Row: {
          "author_id": number;
          "body": string | null;
          "created_at": string;
          "id": number;
          "meta": Json | null;
          "reviewer_id": number | null;
          "title": string;
          "title_length": number | null;
          "type_id": number;
        };
        ComputedFields: never;
        Insert: {
          "author_id"?: number | null;
          "body"?: string | null;
          "created_at"?: string | null;
          "id"?: number | null;
          "meta"?: Json | null;
          "reviewer_id"?: number | null;
          "title"?: string | null;
          "title_length"?: number | null;
          "type_id"?: number | null;
        };
        Update: {
          "author_id"?: number | null;
          "body"?: string | null;
          "created_at"?: string | null;
          "id"?: number | null;
          "meta"?: Json | null;
          "reviewer_id"?: number | null;
          "title"?: string | null;
          "title_length"?: number | null;
          "type_id"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "documents_author_id_fkey";
            columns: ["author_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_author_id_fkey";
            columns: ["author_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_author_id_fkey";
            columns: ["author_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_reviewer_id_fkey";
            columns: ["reviewer_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_reviewer_id_fkey";
            columns: ["reviewer_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_reviewer_id_fkey";
            columns: ["reviewer_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_type_id_fkey";
            columns: ["type_id"];
            isOneToOne: false;
            referencedRelation: "doc_types";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "documents_type_id_fkey";
            columns: ["type_id"];
            isOneToOne: false;
            referencedRelation: "document_types";
            referencedColumns: ["id"];
          },
        ];
      };
      "expert_directory": {
        Row: {
          "headline": string;
          "id": number;
          "name": string;
        };
        ComputedFields: never;
        Relationships: [];
      };
      "expert_subjects_1": {
        Row: {
          "expert_id": number;
          "level": number;
          "topic_id": number;
        };
        ComputedFields: never;
        Insert: {
          "expert_id"?: number | null;
          "level"?: number | null;
          "topic_id"?: number | null;
        };
        Update: {
          "expert_id"?: number | null;
          "level"?: number | null;
          "topic_id"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_topic_id_fkey";
            columns: ["topic_id"];
            isOneToOne: false;
            referencedRelation: "topics";
            referencedColumns: ["id"];
          },
        ];
      };
      "expert_topics": {
        Row: {
          "expert_id": number;
          "level": number;
          "topic_id": number;
        };
        ComputedFields: never;
        Insert: {
          "expert_id"?: number | null;
          "level"?: number | null;
          "topic_id"?: number | null;
        };
        Update: {
          "expert_id"?: number | null;
          "level"?: number | null;
          "topic_id"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_topics_topic_id_fkey";
            columns: ["topic_id"];
            isOneToOne: false;
            referencedRelation: "topics";
            referencedColumns: ["id"];
          },
        ];
      };
      "experts": {
        Row: {
          "headline": string;
          "hourly_rate": number;
          "id": number;
          "languages": (string)[];
          "mentor_id": number | null;
          "profile_id": string;
          "status": Database["public"]["Enums"]["expert_status"];
        };
        ComputedFields: never;
        Insert: {
          "headline"?: string | null;
          "hourly_rate"?: number | null;
          "id"?: number | null;
          "languages"?: (string)[] | null;
          "mentor_id"?: number | null;
          "profile_id"?: string | null;
          "status"?: Database["public"]["Enums"]["expert_status"] | null;
        };
        Update: {
          "headline"?: string | null;
          "hourly_rate"?: number | null;
          "id"?: number | null;
          "languages"?: (string)[] | null;
          "mentor_id"?: number | null;
          "profile_id"?: string | null;
          "status"?: Database["public"]["Enums"]["expert_status"] | null;
        };
        Relationships: [
          {
            foreignKeyName: "experts_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "expert_directory";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "experts_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "experts_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "experts";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "experts_profile_id_fkey";
            columns: ["profile_id"];
            isOneToOne: true;
            referencedRelation: "profiles";
            referencedColumns: ["id"];
          },
        ];
      };
      "letters": {
        Row: {
          "id": number;
          "text": string;
        };
        ComputedFields: never;
        Insert: {
          "id"?: number | null;
          "text"?: string | null;
        };
        Update: {
          "id"?: number | null;
          "text"?: string | null;
        };
        Relationships: [];
      };
    };
    Functions: {
      "expert_count": {
        Args: { "only_status"?: Database["public"]["Enums"]["expert_status"] };
        Returns: number;
      };
      "search_experts": {
        Args: { "max_rows"?: number; "query": string };
        Returns: {
          "headline": string;
          "hourly_rate": number;
          "id": number;
          "languages": (string)[];
          "mentor_id": number | null;
          "profile_id": string;
          "status": Database["public"]["Enums"]["expert_status"];
        }[];
        SetofOptions: {
          from: "*";
          to: "expert_profiles";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "shout": {
        Args: {
          "letter": Omit<
            Database["public"]["Tables"]["messages"]["Row"],
            Database["public"]["Tables"]["messages"]["ComputedFields"]
          >;
        };
        Returns: string;
      };
    };
    Enums: {
      "expert_status": "invited" | "active" | "retired";
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
  "sales": {
    Tables: {
      "invoice_lines": {
        Row: {
          "amount": number;
          "id": number;
          "invoice_id": string;
          "text": string;
        };
        ComputedFields: never;
        Insert: {
          "amount": number;
          "id"?: never;
          "invoice_id": string;
          "text": string;
        };
        Update: {
          "amount"?: number;
          "id"?: never;
          "invoice_id"?: string;
          "text"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "invoice_lines_invoice_id_fkey";
            columns: ["invoice_id"];
            isOneToOne: false;
            referencedRelation: "Invoices";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "invoice_lines_invoice_id_fkey";
            columns: ["invoice_id"];
            isOneToOne: false;
            referencedRelation: "Rechnungen";
            referencedColumns: ["id"];
          },
        ];
      };
      "Rechnungen": {
        Row: {
          "expert_id": number;
          "id": string;
          "number": string;
          "Total Amount": number;
        };
        ComputedFields: never;
        Insert: {
          "expert_id": number;
          "id"?: string;
          "number": string;
          "Total Amount": number;
        };
        Update: {
          "expert_id"?: number;
          "id"?: string;
          "number"?: string;
          "Total Amount"?: number;
        };
        Relationships: [];
      };
    };
    Views: {
      "Invoices": {
        Row: {
          "expert_id": number;
          "id": string;
          "number": string;
          "Total Amount": number;
        };
        ComputedFields: never;
        Insert: {
          "expert_id"?: number | null;
          "id"?: string | null;
          "number"?: string | null;
          "Total Amount"?: number | null;
        };
        Update: {
          "expert_id"?: number | null;
          "id"?: string | null;
          "number"?: string | null;
          "Total Amount"?: number | null;
        };
        Relationships: [];
      };
    };
    Functions: {
      [_ in never]: never;
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends
    {
      Insert: infer I;
    } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends
    {
      Update: infer U;
    } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][
    CompositeTypeName
  ]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {
      "expert_status": ["invited", "active", "retired"],
    },
  },
  "sales": {
    Enums: {},
  },
} as const;
