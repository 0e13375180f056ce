import csv
from supabase import create_client

client = create_client("http://127.0.0.1:54321", "key")
with open("experts.csv") as rows:
    client.table("experts").insert(list(csv.DictReader(rows))).execute()
