export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  public: {
    Tables: {
      expert_profiles: {
        Row: {
          id: string;
          name: string;
          city: string | null;
          rate: number;
          created_at: string;
        };
        Insert: {
          id?: string;
          name: string;
          city?: string | null;
          rate?: number;
          created_at?: string;
        };
        Update: {
          id?: string;
          name?: string;
          city?: string | null;
          rate?: number;
          created_at?: string;
        };
        Relationships: [];
      };
      appointments: {
        Row: {
          id: string;
          expert_id: string;
          customer_id: string;
          starts_at: string;
          minutes: number;
          status: string;
        };
        Insert: {
          id?: string;
          expert_id: string;
          customer_id: string;
          starts_at: string;
          minutes?: number;
          status?: string;
        };
        Update: {
          id?: string;
          expert_id?: string;
          customer_id?: string;
          starts_at?: string;
          minutes?: number;
          status?: string;
        };
        Relationships: [
          {
            foreignKeyName: "bookings_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "bookings_customer_id_fkey";
            columns: ["customer_id"];
            isOneToOne: false;
            referencedRelation: "customers";
            referencedColumns: ["id"];
          },
        ];
      };
      customers: {
        Row: {
          id: string;
          email: string;
          mentor_id: string | null;
        };
        Insert: {
          id?: string;
          email: string;
          mentor_id?: string | null;
        };
        Update: {
          id?: string;
          email?: string;
          mentor_id?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "customers_mentor_id_fkey";
            columns: ["mentor_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
        ];
      };
      reviews: {
        Row: {
          id: string;
          booking_id: string;
          stars: number;
          body: string | null;
        };
        Insert: {
          id?: string;
          booking_id: string;
          stars: number;
          body?: string | null;
        };
        Update: {
          id?: string;
          booking_id?: string;
          stars?: number;
          body?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "reviews_booking_id_fkey";
            columns: ["booking_id"];
            isOneToOne: false;
            referencedRelation: "appointments";
            referencedColumns: ["id"];
          },
        ];
      };
      profile_tags: {
        Row: {
          expert_id: string;
          tag_id: string;
        };
        Insert: {
          expert_id: string;
          tag_id: string;
        };
        Update: {
          expert_id?: string;
          tag_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: "expert_tags_expert_id_fkey";
            columns: ["expert_id"];
            isOneToOne: false;
            referencedRelation: "expert_profiles";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "expert_tags_tag_id_fkey";
            columns: ["tag_id"];
            isOneToOne: false;
            referencedRelation: "tags";
            referencedColumns: ["id"];
          },
        ];
      };
      tags: {
        Row: {
          id: string;
          label: string;
        };
        Insert: {
          id?: string;
          label: string;
        };
        Update: {
          id?: string;
          label?: string;
        };
        Relationships: [];
      };
    };
    Views: { [_ in never]: never };
    Functions: { [_ in never]: never };
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
  };
  billing: {
    Tables: {
      statements: {
        Row: {
          id: string;
          booking_id: string;
          cents: number;
          paid_at: string | null;
        };
        Insert: {
          id?: string;
          booking_id: string;
          cents: number;
          paid_at?: string | null;
        };
        Update: {
          id?: string;
          booking_id?: string;
          cents?: number;
          paid_at?: string | null;
        };
        Relationships: [];
      };
    };
    Views: { [_ in never]: never };
    Functions: { [_ in never]: never };
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
  };
};

type PublicSchema = Database["public"];

export type Tables<
  Name extends keyof PublicSchema["Tables"] | { schema: keyof Database },
  InSchema extends Name extends { schema: keyof Database }
    ? keyof Database[Name["schema"]]["Tables"]
    : never = never,
> = Name extends { schema: keyof Database } ? RowOf<Database[Name["schema"]]["Tables"][InSchema]>
  : Name extends keyof PublicSchema["Tables"] ? RowOf<PublicSchema["Tables"][Name]>
  : never;

type RowOf<Table> = Table extends { Row: infer Row } ? Row : never;

export type TablesInsert<Name extends keyof PublicSchema["Tables"]> =
  PublicSchema["Tables"][Name]["Insert"];

export type TablesUpdate<Name extends keyof PublicSchema["Tables"]> =
  PublicSchema["Tables"][Name]["Update"];
