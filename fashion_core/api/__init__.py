"""What the server answers beside the pages: `POST /api/predict`, its description, health, figures; safe headers."""
